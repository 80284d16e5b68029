/** Some frames from their first line to their last, by the names of their cases. */
export const wholeFrames: Readonly<Record<string, string>> = {
  "source option": `error: unknown option "traget" of data source csv
  --> broken.yaml:1:34
   |
 1 | data: { csv: { path: points.csv, traget: y } }
   |                                  ^^^^^^
   = expected: one of path, target, features, test, categorical, sample_weight, one_hot, header, delimiter
   = received: traget
   = help: did you mean \`target\`?`,

  "two at once": `error: unknown option "epoch" of train
  --> broken.yaml:7:10
   |
 6 | optimizer: sgd
 7 | train: { epoch: 3, batchsize: 2 }
   |          ^^^^^
   = expected: one of epochs, batch_size, shuffle, steps, accumulate, checkpoint
   = received: epoch
   = help: did you mean \`epochs\`?

error: unknown option "batchsize" of train
  --> broken.yaml:7:20
   |
 6 | optimizer: sgd
 7 | train: { epoch: 3, batchsize: 2 }
   |                    ^^^^^^^^^
   = expected: one of epochs, batch_size, shuffle, steps, accumulate, checkpoint
   = received: batchsize
   = help: did you mean \`batch_size\`?

2 problems in broken.yaml`,

  "no data": `error: the spec needs \`data\`
  --> broken.yaml:1:1
   |
 1 | model: [{ dense: { units: 1 } }]
   | ^
   = expected: the name of a data source, or "name: { options }"
   = received: nothing`,

  "option beside its layer": `error: "activation" stands beside layer dense, where it means nothing
  --> broken.yaml:4:5
   |
 3 |   - dense: { units: 1 }
 4 |     activation: relu
   |     ^^^^^^^^^^
   = expected: one name of a layer and, beside it, name, from, trainable, reuse, repeat
   = received: dense, activation
   = help: indent \`activation\` under \`dense\`: it is an option of it`,

  "a circle": `error: layers read each other in a circle: a → b → a
  --> broken.yaml:6:11
   |
 5 |     name: a
 6 |     from: b
   |           ^
   = help: a layer can only read layers that do not depend on it`,

  "no loss for one of two outputs": `error: output right has no loss
   --> broken.yaml:10:7
    |
  9 |     from: body
 10 | loss: { left: mse }
    |       ^^^^^^^^^^^^^
    = help: add \`right:\``,

  "dense on a scalar": `error: layer dense: dense needs inputs of at least one dimension
  --> broken.yaml:4:5
   |
 3 |   - reshape: { target_shape: [] }
 4 |   - dense: { units: 1 }
   |     ^^^^^^^^^^^^^^^^^^^
   = expected: (None, features)
   = received: (None)
   = note: shapes up to here: input: (None, 1) → reshape: (None)
   = help: put \`reshape: { target_shape: [1] }\` before it`,

  "classes against a text target": `error: mse cannot compare the output with the data's target
  --> broken.yaml:4:7
   |
 3 |   - dense: { units: 3 }
 4 | loss: mse
   |       ^^^
   = expected: a target of shape (None, 3)
   = received: a target of shape (None)
   = note: layer dense gives (None, 3)
   = help: for class numbers use \`sparse_categorical_crossentropy\`, or end with one unit`,

  "a missing file": `error: point.csv does not exist
  --> broken.yaml:1:22
   |
 1 | data: { csv: { path: point.csv, target: y } }
   |                      ^^^^^^^^^
   = expected: a file; paths start from the spec's folder
   = note: looked for point.csv
   = help: did you mean points.csv?`,

  "--set an option of another optimizer": `error: this sets an option of adam, but optimizer is sgd
  --> command line
   |
   | --set optimizer.adam.epsilon=1
   |                 ^^^^
   = expected: optimizer.sgd, as the spec has it (line 6)
   = received: optimizer.adam
   = help: to change to adam, put \`--set optimizer=adam\` before this`,
};
