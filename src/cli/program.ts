/**
 * The command line's grammar. Every command is loaded when it is run, not before: `nnc --help` must not pay
 * for backends, data and schemas.
 */
import { Command, Option } from "commander";
import type { BackendsOptions } from "./backends.ts";
import type { BenchOptions } from "./bench.ts";
import type { DoctorOptions } from "./doctor.ts";
import type { EvaluateOptions } from "./evaluate.ts";
import type { InspectOptions } from "./inspect.ts";
import type { LockOptions, VerifyOptions } from "./lock.ts";
import {
  count,
  type JsonOption,
  type PluginOption,
  type SpecOptions,
  threads,
  withPlugins,
  withSpecOptions,
} from "./options.ts";
import { version } from "./package-files.ts";
import type { PredictOptions } from "./predict.ts";
import type { RunsOptions } from "./runs.ts";
import type { TestOptions } from "./test.ts";
import type { TrainOptions } from "./train.ts";

/** Takes the exit code of a command that ended without an error. */
type SetStatus = (code: number) => void;

const specHelp = "a YAML file, or the name of a bundled spec such as mlp.yaml";
const backendOption = () =>
  new Option("--backend <name>", "what it runs on: `nnc backends` lists them").default("auto");

export function buildProgram(setStatus: SetStatus): Command {
  const program = new Command("nnc")
    .description("Trains neural networks from YAML specs.")
    .version(version(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .showSuggestionAfterError()
    .exitOverride()
    // Errors are reported by main, in the form of all others.
    .configureOutput({ outputError: () => {} })
    .hook("preAction", async (_, command) => {
      const { plugin } = command.opts<PluginOption>();
      if (plugin) await (await import("../plugin/load.ts")).loadPlugins(plugin);
    });
  addTrain(program, setStatus);
  addSpecCommands(program, setStatus);
  addPredict(program, setStatus);
  addEvaluate(program, setStatus);
  addTest(program, setStatus);
  addProof(program, setStatus);
  addRuns(program, setStatus);
  addDoctor(program, setStatus);
  addBench(program, setStatus);
  addOthers(program);
  return program.addHelpText("after", footer);
}

const footer = `
Try: nnc train mlp.yaml
Exit codes: 0 fine, 1 failed or an expectation did not hold, 2 bad usage or spec, 130 interrupted`;

function addTrain(program: Command, setStatus: SetStatus): void {
  withSpecOptions(program.command("train").description("train the model of a spec"))
    .argument("<spec>", specHelp)
    .option("--backend <name>", "what it runs on (default: auto, or what the resumed run was on)")
    .option("--threads <n>", "threads to use", threads())
    .option("--out <dir>", "folder of the run, new or empty (default: runs/<name>/<n>)")
    .option("--force", "let --out overwrite the run that is in the folder")
    .option("--resume <dir>", "go on with the run of this folder, where it was saved last")
    .option("--weights <file>", "start from the weights of a .safetensors file")
    .option("--json", "one event a line on stdout")
    .action(async (spec: string, options: TrainOptions) => {
      setStatus(await (await import("./train.ts")).train(spec, options));
    });
}

function addSpecCommands(program: Command, setStatus: SetStatus): void {
  withSpecOptions(program.command("summary").description("print the layers of a model"))
    .argument("<spec>", specHelp)
    .option("--json", "as JSON")
    .action(async (spec: string, options: SpecOptions & JsonOption) => {
      await (await import("./summary.ts")).summary(spec, options);
    });
  withSpecOptions(program.command("validate").description("check specs without training"))
    .argument("<spec...>", specHelp)
    .option("--json", "one result a line as JSON")
    .action(async (specs: readonly string[], options: SpecOptions & JsonOption) => {
      setStatus(await (await import("./validate.ts")).validate(specs, options));
    });
  withSpecOptions(program.command("inspect").description("show what the compiler made of a spec"))
    .argument("<spec>", specHelp)
    .addOption(
      new Option("--stage <stage>", "how far to go")
        .choices(["spec", "graph", "train", "kernels", "source"])
        .makeOptionMandatory(),
    )
    .addOption(
      new Option("--format <form>", "dot and json for the stages graph and train")
        .choices(["text", "dot", "json"])
        .default("text"),
    )
    .addOption(backendOption())
    .action(async (spec: string, options: InspectOptions) => {
      await (await import("./inspect.ts")).inspect(spec, options);
    });
}

function addPredict(program: Command, setStatus: SetStatus): void {
  withRunOptions(program.command("predict").description("what a trained model makes of examples"))
    .argument("[input...]", "PNG, JPEG, CSV, JSON, .npy, .npz, `-`; without: the validation data")
    .option("--top-k <k>", "the k most probable classes", count("classes"))
    .option("--invert", "pictures: white becomes black (MNIST is white on black)")
    .option("--json", "one object a line as JSON")
    .option("--csv", "as CSV")
    .action(async (run: string, inputs: readonly string[], options: PredictOptions) => {
      setStatus(await (await import("./predict.ts")).predict(run, inputs, options));
    });
}

function addEvaluate(program: Command, setStatus: SetStatus): void {
  withRunOptions(program.command("evaluate").description("loss and metrics of a finished run"))
    .option(
      "--data <data>",
      "other data: a file to read as the run's was, a spec whose data is meant, or YAML (csv: {…})",
    )
    .option("--batch-size <n>", "examples at once", count("examples"))
    .option("--json", "as JSON")
    .action(async (run: string, options: EvaluateOptions) => {
      setStatus(await (await import("./evaluate.ts")).evaluateRun(run, options));
    });
}

/** What commands have in common that use a finished run. */
const withRunOptions = (command: Command): Command =>
  withPlugins(command)
    .argument("<run>", "a run's folder, or a .safetensors file")
    .option("--spec <spec>", "the model's spec, where none lies beside the weights")
    .option("--weights <file>", "weights in place of the run's own")
    .addOption(backendOption())
    .option("--threads <n>", "threads to use", threads())
    .option("-q, --quiet", "only errors and results");

function addDoctor(program: Command, setStatus: SetStatus): void {
  withSpecOptions(program.command("doctor").description("look for what keeps a spec from learning"))
    .argument("<spec>", specHelp)
    .addOption(backendOption())
    .option("--threads <n>", "threads to use", threads())
    .option("--json", "one finding a line as JSON")
    .action(async (spec: string, options: DoctorOptions) => {
      setStatus(await (await import("./doctor.ts")).doctor(spec, options));
    });
}

function addBench(program: Command, setStatus: SetStatus): void {
  withSpecOptions(program.command("bench").description("how fast the training of a spec is here"))
    .argument("<spec>", specHelp)
    .addOption(backendOption())
    .option("--threads <n>", "threads to use", threads())
    .option("--steps <n>", "steps of one run (default: 2 seconds for all)", count("steps"))
    .option("--repeats <n>", "runs, of which the median is taken", count("repeats"), 5)
    .option("--kernels", "also the time of each kernel (native)")
    .option("--json", "as JSON")
    .addOption(new Option("--only-first-step", "what a process of its own is asked for").hideHelp())
    .action(async (spec: string, options: BenchOptions) => {
      setStatus(await (await import("./bench.ts")).bench(spec, options));
    });
}

function addTest(program: Command, setStatus: SetStatus): void {
  withSpecOptions(program.command("test").description("train specs, and hold them to `expect`"))
    .argument("<spec...>", `${specHelp}, or a folder of specs`)
    .addOption(backendOption())
    .option("--threads <n>", "threads to use", threads())
    .option("--update", "record what came, where it failed or nothing was expected")
    .option("--out <dir>", "folder that keeps the runs (default: they are removed)")
    .option("--junit <file>", "also write JUnit's XML")
    .option("--md", "as Markdown")
    .option("--json", "one result a line as JSON")
    .action(async (specs: readonly string[], options: TestOptions) => {
      setStatus(await (await import("./test.ts")).test(specs, options));
    });
}

function addProof(program: Command, setStatus: SetStatus): void {
  withSpecOptions(program.command("lock").description("record what a training does, bit for bit"))
    .argument("<spec>", specHelp)
    .addOption(backendOption())
    .option("--threads <n>", "threads to use", threads())
    .option("--out <file>", "where to (default: SPEC.lock.json beside the spec)")
    .option("--force", "replace what is there")
    .action(async (spec: string, options: LockOptions) => {
      setStatus(await (await import("./lock.ts")).lock(spec, options));
    });
  withPlugins(program.command("verify"))
    .description("repeat a recorded training, and name the first step that differs")
    .argument("<lock>", "a .lock.json, or the spec that has one")
    .option("--backend <name>", "in place of the one that was recorded")
    .option("--threads <n>", "threads to use", threads())
    .option("--json", "as JSON")
    .option("-q, --quiet", "only what differs")
    .action(async (file: string, options: VerifyOptions) => {
      setStatus(await (await import("./lock.ts")).verify(file, options));
    });
}

function addRuns(program: Command, setStatus: SetStatus): void {
  const output = (command: Command) =>
    command.option("--md", "as Markdown").option("--json", "as JSON");
  const runs = output(program.command("runs").description("list runs, or compare two of them"))
    .argument("[folder]", "where they are", "runs")
    .action(async (folder: string, options: RunsOptions) => {
      setStatus((await import("./runs.ts")).listRuns(folder, options));
    });
  output(runs.command("diff").description("what two runs have different"))
    .argument("<a>", "a run's folder")
    .argument("<b>", "another")
    .action(async (a: string, b: string, _: RunsOptions, command: Command) => {
      const options = command.optsWithGlobals<RunsOptions>();
      setStatus((await import("./runs.ts")).diffRuns(a, b, options));
    });
}

function addOthers(program: Command): void {
  program
    .command("backends")
    .description("which backends work here, and what the others need")
    .option("--json", "as JSON")
    .action(async (options: BackendsOptions) => {
      await (await import("./backends.ts")).backends(options);
    });
  withPlugins(program.command("schema"))
    .description("print the JSON Schema of specs, for editors")
    .action(async () => {
      (await import("./schema.ts")).schema();
    });
  program
    .command("init")
    .description("write a starter spec")
    .argument("<name>", "NAME.yaml is written")
    .action(async (name: string) => {
      (await import("./init.ts")).init(name);
    });
}
