/** A data source of one's own: two half circles, each around the end of the other. */
import { type Dataset, defineSource, randomStream, z } from "nnc/plugin";

export const twoMoons = defineSource({
  name: "two_moons",
  doc: "Generated: two half circles that no straight line divides.",
  options: {
    count: z.int().min(2).default(1000).describe("Examples."),
    noise: z.number().min(0).default(0.1).describe("Standard deviation around the half circles."),
  },
  async load({ count, noise }, { seed }): Promise<Dataset> {
    const random = randomStream(seed, "two_moons");
    const points = new Float32Array(2 * count); // [count, 2]
    const labels = new Int32Array(count);
    for (let i = 0; i < count; i++) {
      const label = i % 2;
      const angle = Math.PI * random.uniform();
      const [x, y] = [Math.cos(angle), Math.sin(angle)];
      const [left, up] = label === 0 ? [x, y] : [1 - x, 0.5 - y];
      points.set([left + noise * random.normal(), up + noise * random.normal()], 2 * i);
      labels[i] = label;
    }
    return {
      train: {
        count,
        inputs: new Map([["x", { shape: [2], values: points }]]),
        targets: new Map([["y", { shape: [], values: labels }]]),
      },
      classes: ["upper", "lower"],
      summary: `${count} generated points on two half circles`,
    };
  },
});
