"""Kernels that start at once: each is forked from a process that has imported the large libraries already.

To import PyTorch and transformers takes seconds of a processor, and a hundred notebooks would each do it again. Run as a program, this
is the process that imports, waits for orders, and forks: a line of JSON for each kernel comes in, the number of its process goes out.
"""
import builtins
import contextlib
import importlib
import json
import os
import queue
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

LIBRARIES = (
    "IPython", "ipykernel.kernelapp", "ipykernel.ipkernel", "matplotlib.pyplot", "numpy", "pandas", "pandas.io.formats.style", "torch",
    "torch.profiler", "transformers", "transformers.modeling_utils", "transformers.generation", "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto", "tokenizers", "safetensors.torch", "huggingface_hub", "gguf", "msgspec", "yaml",
    "rich.table", "typer.testing", "fastcore.test", "PIL.Image",
)


# ---- the process that forks

def become_kernel(order):
    "Be a kernel of Jupyter, in the child; does not return before the kernel has ended"
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # what libraries print themselves; the other end of the old one waits for numbers
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    from ipykernel import kernelapp
    sys.argv = ["ipykernel_launcher", *order["arguments"]]
    kernelapp.launch_new_instance(order["arguments"])


@contextlib.contextmanager
def like_a_kernel():
    "Let libraries that ask on import where they are find what they find in a kernel: pandas shows twenty columns there"
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    builtins.get_ipython = lambda: SimpleNamespace(kernel=None)
    try: yield
    finally: del builtins.get_ipython


def serve():
    "Import, say so, and fork a kernel for each order, until there are no more"
    sys.path.remove(str(Path(__file__).resolve().parent))  # a kernel has no business there
    with like_a_kernel():
        for library in LIBRARIES: importlib.import_module(library)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system forgets kernels that have ended
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try: become_kernel(json.loads(line))
            finally: os._exit(0)
        print(pid, flush=True)


# ---- the side of the client

class Forked:
    "A process that somebody else forked, with what a kernel manager wants of a `Popen`"
    stdin = stdout = stderr = None

    def __init__(self, pid): self.pid = pid

    def poll(self):
        "None while the process is there, else 0: how it ended, only its parent could know"
        try: os.kill(self.pid, 0)
        except ProcessLookupError: return 0
        return None

    def wait(self, timeout=None):
        "Wait for the end"
        while self.poll() is None: time.sleep(0.02)
        return 0

    def send_signal(self, number):
        "Send a signal, unless the process has ended"
        with contextlib.suppress(ProcessLookupError): os.kill(self.pid, number)

    def terminate(self): self.send_signal(signal.SIGTERM)

    def kill(self): self.send_signal(signal.SIGKILL)


class Factory:
    "The process that forks, seen from here; one for the life of a program"

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._hear("ready")

    def _hear(self, wanted=None):
        "The next line; raises `RuntimeError` if the process is gone"
        line = self.process.stdout.readline().strip()
        if not line or (wanted and line != wanted): raise RuntimeError(f"the process that forks kernels ended with {self.process.wait()}")
        return line

    def fork(self, **order):
        "A new kernel: `arguments` of its command line, its `folder` and its `environment`"
        print(json.dumps(order), file=self.process.stdin, flush=True)
        return Forked(int(self._hear()))

    def manager(self):
        "The class of kernel managers whose kernels are forked here"
        from jupyter_client.asynchronous import AsyncKernelClient  # here, since the process that forks needs it not
        from jupyter_client.manager import AsyncKernelManager

        factory = self
        class WarmKernelClient(AsyncKernelClient):
            "A client that knows what the last message is with which a kernel answers the first question, and does not wait for more"

            async def wait_for_ready(self, timeout=None):
                "Ask until an answer has come on both channels; raises `RuntimeError` if the kernel ends before"
                while True:
                    asked = self.kernel_info()
                    try:
                        while (said := await self.get_shell_msg(timeout=1))["parent_header"].get("msg_id") != asked: pass
                        self._handle_kernel_info_reply(said)
                        while True:
                            said = await self.get_iopub_msg(timeout=1)
                            if said["parent_header"].get("msg_id") == asked and said["content"].get("execution_state") == "idle": return
                    except queue.Empty:  # it has not begun, or had begun to tell before this client listened
                        if not await self.is_alive(): raise RuntimeError("the kernel ended before it answered") from None

        class WarmKernelManager(AsyncKernelManager):
            "A kernel manager that forks, and looks often whether a kernel has ended"
            client_factory = WarmKernelClient

            async def _async_finish_shutdown(self, waittime=None, pollinterval=0.02, restart=False):
                await super()._async_finish_shutdown(waittime, pollinterval, restart)

            async def _async_launch_kernel(self, kernel_cmd, **options):
                arguments = kernel_cmd[kernel_cmd.index("ipykernel_launcher") + 1:]
                place = self.provisioner
                place.process = factory.fork(arguments=arguments, folder=str(options["cwd"]), environment=dict(options["env"]))
                place.pid, place.pgid, place.cwd = place.process.pid, None, options["cwd"]
                self._reconcile_connection_info(place.connection_info)
        return WarmKernelManager

    def close(self):
        "End the process; kernels that still run go on"
        self.process.stdin.close()
        self.process.wait()


def can_fork():
    "Whether kernels can be forked here; macOS and Windows have system libraries that do not bear it"
    return sys.platform.startswith("linux")


if __name__ == "__main__": serve()
