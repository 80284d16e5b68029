"""What PyTorch and onnxruntime need for the cases of this suite, as JSON on stdout; progress goes to stderr.

    python3 -m venv venv && venv/bin/pip install torch onnxruntime onnx numpy
    venv/bin/python bench/peers/peers.py > peers.json
    npm run bench -- --peers peers.json

Times are medians of several runs, in ms. A variant that does not work here is said on stderr and left out.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time

BATCH = 100
INFERENCE_BATCH = 1000
INFERENCE_EXAMPLES = 10_000
# The LSTM's texts.
WORDS, STEPS, TEXTS = 20_000, 80, 1000


def say(text):
    print(text, file=sys.stderr, flush=True)


def timed(run, seconds, repeats, wait=lambda: None):
    """Median, least and most ms of a call, in `repeats` runs that together take about `seconds`.

    `wait` returns when what the calls have begun on another device is done.
    """
    run()
    wait()
    start = time.perf_counter()
    run()
    wait()
    once = time.perf_counter() - start
    n = max(1, round(seconds / repeats / once))
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(n):
            run()
        wait()
        times.append((time.perf_counter() - start) / n * 1e3)
    return {"ms": statistics.median(times), "ms_min": min(times), "ms_max": max(times)}


def torch_models():
    from torch import nn

    def mlp():
        return nn.Sequential(
            nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10)
        )

    def cnn_valid():
        return nn.Sequential(
            nn.Conv2d(1, 32, 5), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 5), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10),
        )

    def cnn_same():
        return nn.Sequential(
            nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(3136, 1024), nn.ReLU(), nn.Dropout(0.5), nn.Linear(1024, 10),
        )

    class Lstm(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(WORDS, 128)
            self.lstm = nn.LSTM(128, 128, batch_first=True)
            self.dense = nn.Linear(128, 2)

        def forward(self, x):
            return self.dense(self.lstm(self.embedding(x))[0][:, -1])

    relu = nn.ReLU

    class Mean(nn.Module):
        def forward(self, x):
            return x.mean((2, 3))

    def autoencoder():
        return nn.Sequential(
            nn.Conv2d(1, 32, 3, 2, 1), relu(), nn.Conv2d(32, 64, 3, 2, 1), relu(),
            nn.Flatten(), nn.Linear(3136, 16), nn.Linear(16, 1568), relu(), nn.Unflatten(1, (32, 7, 7)),
            nn.ConvTranspose2d(32, 64, 3, 2, 1, 1), relu(), nn.ConvTranspose2d(64, 32, 3, 2, 1, 1), relu(),
            nn.ConvTranspose2d(32, 1, 3, 1, 1), nn.Sigmoid(),
        )

    def depthwise():
        def own(channels, stride):
            return [nn.Conv2d(channels, channels, 3, stride, 1, groups=channels), nn.BatchNorm2d(channels), relu()]

        return nn.Sequential(
            nn.Conv2d(1, 32, 3, 2, 1), relu(), *own(32, 1), nn.Conv2d(32, 64, 1), nn.BatchNorm2d(64), relu(),
            *own(64, 2), nn.Conv2d(64, 128, 1), nn.BatchNorm2d(128), relu(), Mean(), nn.Linear(128, 10),
        )

    def groups():
        return nn.Sequential(
            nn.Conv2d(1, 64, 3, 1, 1), relu(), nn.Conv2d(64, 64, 3, 1, 1, groups=8), relu(),
            nn.Conv2d(64, 64, 3, 2, 1, groups=4), relu(), nn.Conv2d(64, 128, 1), relu(), Mean(), nn.Linear(128, 10),
        )

    def normalized():
        return nn.Sequential(
            nn.Conv2d(1, 32, 3, 1, 1), nn.BatchNorm2d(32), relu(), nn.AvgPool2d(2),
            nn.Conv2d(32, 64, 3, 1, 1), nn.BatchNorm2d(64), relu(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(3136, 10),
        )

    def conv_1d():
        return nn.Sequential(
            nn.Flatten(), nn.Unflatten(1, (4, 196)), nn.Conv1d(4, 64, 5), relu(), nn.MaxPool1d(2),
            nn.Conv1d(64, 64, 5, dilation=2), relu(), nn.Conv1d(64, 64, 3, 2), relu(),
            nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(64, 10),
        )

    def conv_3d():
        return nn.Sequential(
            nn.Flatten(), nn.Unflatten(1, (1, 7, 14, 8)), nn.Conv3d(1, 16, 3, 1, 1), relu(), nn.MaxPool3d((1, 2, 2)),
            nn.Conv3d(16, 32, 3, 1, 1), relu(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(32, 10),
        )

    class Gru(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru = nn.GRU(28, 128, 2, batch_first=True)
            self.dense = nn.Linear(128, 10)

        def forward(self, x):
            return self.dense(self.gru(x[:, 0])[0][:, -1])

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(16, 64)
            self.attention = nn.MultiheadAttention(64, 4, batch_first=True)
            self.norm = nn.LayerNorm(64)
            self.dense = nn.Linear(64, 10)

        def forward(self, x):
            x = self.first(x.reshape(-1, 49, 16))
            return self.dense(self.norm(self.attention(x, x, x, need_weights=False)[0]).mean(1))

    return {
        "MLP": mlp, "CNN valid": cnn_valid, "CNN same": cnn_same, "LSTM": Lstm,
        "Autoencoder": autoencoder, "Depthwise": depthwise, "Groups": groups, "Normalized": normalized,
        "Conv 1-D": conv_1d, "Conv 3-D": conv_3d, "GRU": Gru, "Attention": Attention,
    }


CASES = [
    "MLP", "CNN valid", "CNN same", "LSTM",
    "Autoencoder", "Depthwise", "Groups", "Normalized", "Conv 1-D", "Conv 3-D", "GRU", "Attention",
]
# Whose tensors are images throughout.
IMAGES = ["CNN valid", "CNN same", "Autoencoder", "Depthwise", "Groups", "Normalized"]


# Variant: fused Adam, channels last, torch.compile.
VARIANTS = {
    "eager": (False, False, False),
    "fused Adam": (True, False, False),
    "fused Adam, channels_last": (True, True, False),
    "compile, fused Adam": (True, False, True),
    "compile, fused Adam, channels_last": (True, True, True),
}


def random_images(device):
    import torch

    return torch.rand(60_000, 1, 28, 28, device=device), torch.randint(0, 10, (60_000,), device=device)


def random_texts(device):
    import torch

    return torch.randint(0, WORDS, (TEXTS, STEPS), device=device), torch.randint(0, 2, (TEXTS,), device=device)


def training_step(model, examples, fused, channels_last, compiled, rate, rebuilds):
    """A function that takes one step of training on a batch drawn from random examples."""
    import torch

    images, labels = examples
    count = len(labels)
    order = torch.randperm(count, device=labels.device)
    model = model.to(labels.device)
    loss_of = torch.nn.BCELoss() if rebuilds else torch.nn.CrossEntropyLoss()
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, fused=fused)
    if compiled:
        # What was compiled of one model counts against the next one's limit.
        torch._dynamo.reset()
        # On a GPU this mode replays steps as CUDA graphs.
        model = torch.compile(model, mode="reduce-overhead" if labels.is_cuda else "default")
    at = 0

    def step():
        nonlocal at
        rows = order[at : at + BATCH]
        at = (at + BATCH) % count
        x = images[rows]
        if channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
        optimizer.zero_grad(set_to_none=True)
        loss_of(model(x), x if rebuilds else labels[rows]).backward()
        optimizer.step()

    return step


def measure_training(cases, device, seconds, repeats):
    import torch

    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    results = []
    for case, build in torch_models().items():
        if case not in cases:
            continue
        for variant, (fused, channels_last, compiled) in VARIANTS.items():
            if channels_last and case not in IMAGES:
                continue
            peer = f"PyTorch {torch.__version__.split('+')[0]}, {variant}"
            try:
                examples = random_texts(device) if case == "LSTM" else random_images(device)
                rate = 1e-4 if case == "CNN same" else 1e-3
                step = training_step(build(), examples, fused, channels_last, compiled, rate, case == "Autoencoder")
                for _ in range(3):
                    step()
                found = timed(step, seconds, repeats, wait)
            except Exception as error:  # What a variant needs may be missing: a compiler, Triton, headers.
                say(f"{case}, {peer}: does not work here: {str(error).splitlines()[0]}")
                continue
            say(f"{case}, {peer}: {found['ms']:.3f} ms")
            results.append({"case": case, "peer": peer, **found})
    return results


def onnx_model(case):
    """The forward pass with random weights, ending in softmax. None: there is no such case."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(1)
    nodes, weights = [], []
    last = "x"

    def add(op, *shapes, **attributes):
        nonlocal last
        names = []
        for shape in shapes:
            names.append(f"w{len(weights)}")
            values = random.normal(0, 0.05, shape).astype(np.float32)
            weights.append(numpy_helper.from_array(values, names[-1]))
        nodes.append(helper.make_node(op, [last, *names], [f"y{len(nodes)}"], **attributes))
        last = f"y{len(nodes) - 1}"

    def dense(inputs, units, activation):
        add("Gemm", (inputs, units), (units,))
        add(activation)

    def conv(channels, filters, pad):
        add("Conv", (filters, channels, 5, 5), (filters,), pads=[pad] * 4)
        add("Relu")
        add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])

    if case == "MLP":
        add("Flatten")
        dense(784, 256, "Relu")
        dense(256, 256, "Relu")
        dense(256, 10, "Softmax")
    elif case in ("CNN valid", "CNN same"):
        same = case == "CNN same"
        conv(1, 32, 2 if same else 0)
        conv(32, 64, 2 if same else 0)
        add("Flatten")
        dense(3136 if same else 1024, 1024, "Relu")
        dense(1024, 10, "Softmax")
    else:
        return None
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1, 28, 28])
    y = helper.make_tensor_value_info(last, TensorProto.FLOAT, [None, 10])
    graph = helper.make_graph(nodes, case, [x], [y], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


def measure_inference(cases, threads, seconds, repeats):
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    images = np.random.default_rng(2).random((INFERENCE_EXAMPLES, 1, 28, 28), dtype=np.float32)
    results = []
    for case in cases:
        model = onnx_model(case)
        if model is None:
            continue
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

        def predict_all():
            for at in range(0, INFERENCE_EXAMPLES, INFERENCE_BATCH):
                session.run(None, {"x": images[at : at + INFERENCE_BATCH]})

        found = timed(predict_all, seconds, repeats)
        peer = f"onnxruntime {onnxruntime.__version__}"
        say(f"{case}, {peer}: {found['ms']:.1f} ms for {INFERENCE_EXAMPLES} examples")
        results.append({"case": case, "peer": peer, **found})
    return results


def gpu_model():
    import torch

    return torch.cuda.get_device_name()


def cpu_model():
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main():
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=cores)
    parser.add_argument("--seconds", type=float, default=2, help="for all runs of a variant together")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="of training")
    parser.add_argument("--cases", nargs="*", default=CASES)
    options = parser.parse_args()
    load = list(os.getloadavg())
    results = {"training": [], "inference": []}
    try:
        import torch

        torch.set_num_threads(options.threads)
        results["training"] = measure_training(options.cases, options.device, options.seconds, options.repeats)
    except ImportError as error:
        say(f"no PyTorch: {error}")
    if options.device == "cpu":
        try:
            results["inference"] = measure_inference(options.cases, options.threads, options.seconds, options.repeats)
        except ImportError as error:
            say(f"no onnxruntime: {error}")
    about = {
        "date": time.strftime("%Y-%m-%d"),
        "cpu": cpu_model(),
        **({"gpu": gpu_model()} if options.device == "cuda" else {}),
        "threads": options.threads,
        "python": platform.python_version(),
        "load_average": load,
    }
    json.dump({**about, **results}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
