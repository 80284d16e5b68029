/** Recurrent layers that cannot do what they are asked for. The data is four numbers an example. */
import { type BrokenSpec, broken } from "./case.ts";

/** A layer over four steps of one number each, and an output. */
const over = (layer: string) =>
  `\n  - reshape: { target_shape: [4, 1] }\n  - ${layer}\n  - dense: { units: 1 }`;
const bidirectional = (options: string) => over(`bidirectional: { ${options} }`);

export const sequenceCases: readonly BrokenSpec[] = [
  broken(
    "a recurrent layer over vectors",
    { model: "\n  - ⟦lstm: { units: 2 }⟧\n  - dense: { units: 1 }" },
    /lstm needs sequences/,
    /reshape: { target_shape: \[4, 1\] }/,
  ),
  broken(
    "convolutions over steps without channels",
    {
      model:
        "\n  - reshape: { target_shape: [2, 2, 1] }\n  - ⟦conv_lstm2d: { filters: 2, kernel_size: 1 }⟧\n  - flatten\n  - dense: { units: 1 }",
    },
    /needs an image with its channels last at every step/,
    /reshape: { target_shape: \[2, 2, 1, 1\] }/,
  ),
  broken("no units of a state", { model: over("simple_rnn: { units: ⟦0⟧ }") }, /more than 0/),
  broken(
    "all inputs dropped",
    { model: over("gru: { units: 2, recurrent_dropout: ⟦1⟧ }") },
    /less than 1/,
  ),
  broken(
    "states from batch to batch",
    { model: over("lstm: { units: 2, ⟦stateful⟧: true }") },
    /unknown option "stateful" of layer lstm/,
  ),
  broken(
    "an option of Keras's that is a program's business",
    { model: over("dense: { units: 2, ⟦lora_rank⟧: 2 }") },
    /weights are trained as a whole/,
  ),
  broken(
    "a bias that is no matrix",
    { model: bidirectional("layer: { lstm: { units: 2, bias_initializer: ⟦orthogonal⟧ } }") },
    /orthogonal cannot fill forward\/bias/,
  ),
  broken(
    "what is not recurrent both ways",
    { model: bidirectional("layer: ⟦{ dense: { units: 2 } }⟧") },
    /cannot apply dense both ways/,
  ),
  broken(
    "both layers backwards",
    { model: bidirectional("layer: { lstm: { units: 2, go_backwards: ⟦true⟧ } }") },
    /forward layer of bidirectional goes backwards/,
  ),
  broken(
    "both layers forward",
    {
      model: bidirectional(
        "layer: { lstm: { units: 2 } }, backward_layer: { gru: ⟦{ units: 2 }⟧ }",
      ),
    },
    /backward layer of bidirectional goes forward/,
    /go_backwards: true/,
  ),
  broken(
    "a sequence beside none",
    {
      model: bidirectional(
        "layer: { lstm: { units: 2 } }, backward_layer: { gru: { units: 2, go_backwards: true, return_sequences: ⟦true⟧ } }",
      ),
    },
    /the other does not/,
    /expected: false, as in `layer`/,
  ),
  broken(
    "a sum of different units",
    {
      model: bidirectional(
        "layer: { lstm: { units: 2 } }, backward_layer: { lstm: { units: 3, go_backwards: true } }, merge_mode: ⟦sum⟧",
      ),
    },
    /different widths have no sum/,
    /merge_mode: concat/,
  ),
  broken(
    "a merge mode of no name",
    { model: bidirectional("layer: { lstm: { units: 2 } }, merge_mode: ⟦concatenate⟧") },
    /concat/,
  ),
  broken(
    "both directions for a layer of one input",
    {
      model: bidirectional("layer: { lstm: { units: 2 } }, merge_mode: null").replace(
        "dense: { units: 1 }",
        "⟦dense: { units: 1 }⟧",
      ),
    },
    /dense takes exactly one input/,
    /received: bidirectional\/forward, bidirectional\/backward/,
  ),
  broken(
    "both directions as one output",
    {
      model:
        "\n  - reshape: { target_shape: [4, 1] }\n  - bidirectional: { layer: { lstm: { units: 1 } }, merge_mode: null }",
      outputs: "[⟦bidirectional⟧]",
    },
    /list `bidirectional\/forward` and `bidirectional\/backward`/,
  ),
  broken(
    "both directions of a layer within another",
    {
      model: over(
        "reshape: { target_shape: [4, 1, 1] }\n  - time_distributed: { layer: { bidirectional: { layer: { lstm: { units: 1 } }, merge_mode: ⟦null⟧ } } }",
      ),
    },
    /a layer within another gives one result/,
  ),
  broken(
    "the kernel of a layer that has one in each cell",
    { model: over("spectral_normalization: { layer: ⟦{ lstm: { units: 2 } }⟧ }") },
    /lstm has no kernel to normalise/,
  ),
  broken(
    "the kernel of a layer that has several",
    {
      model: over(
        "spectral_normalization: { layer: ⟦{ separable_conv1d: { filters: 2, kernel_size: 2 } }⟧ }",
      ),
    },
    /separable_conv1d has no kernel to normalise/,
  ),
];
