/** Options that Keras has and nnc has not: what to write, or do, instead. */
const instead: Readonly<Record<string, string>> = {
  data_format:
    "leave it out: dimensions are always [batch, …, channels], Keras's `channels_last`; `permute` brings others there",
  seed: "leave it out: all random numbers follow from the spec's own `seed`",
  dtype: "leave it out: all layers compute in one precision, that of the backend",
  return_state:
    "leave it out: a layer gives one tensor; without `return_sequences` it is the last output",
  stateful: "leave it out: every batch begins with states of 0",
  unroll: "leave it out: it changes no number",
  use_cudnn: "leave it out: it changes no number",
  flash_attention: "leave it out: it changes no number",
  loss_scale_factor: "leave it out: it changes no number",
  synchronized: "leave it out: there is one device",
  verbose: "leave it out: `--quiet` or `--json` say what is printed",
};
/** What stands beside a layer's key. */
const beside = ["name", "trainable"];

/**
 * @param owner what the option was written for, as `layer dense`
 * @returns what to do about an option that a Keras user would expect
 */
export function insteadOf(option: string, owner: string): string | undefined {
  const [kind, name] = owner.split(" ");
  if (kind === "layer" && beside.includes(option))
    return `write \`${option}\` beside \`${name}:\`, not under it`;
  return Object.hasOwn(instead, option) ? instead[option] : undefined;
}
