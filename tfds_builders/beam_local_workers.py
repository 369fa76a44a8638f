"""Processes of this machine as workers of Apache Beam.

A worker that dies, as the system kills large processes when memory runs out, fails the
pipeline. Beam itself would wait for its answer for ever.
"""

import contextlib
import os
import pathlib
import threading
from collections.abc import Iterator

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_fn_api_pb2, beam_provision_api_pb2
from apache_beam.runners.portability import local_job_service
from apache_beam.runners.portability.fn_api_runner import fn_runner, worker_handlers
from apache_beam.runners.portability.portable_runner import JobServiceHandle

OPTIONS = (
    "--direct_running_mode=multi_processing",
    f"--direct_num_workers={os.cpu_count()}",
    "--default_sdk_harness_log_level=WARNING",
)


def runner(options: PipelineOptions) -> fn_runner.FnApiRunner:
    """Return what Beam's DirectRunner takes for batches, once it has found no other.

    Args:
        options: of the pipeline; workers are told them, too.
    """
    encoded = JobServiceHandle.encode_pipeline_options(options.get_all_options())
    told = beam_provision_api_pb2.ProvisionInfo(pipeline_options=encoded)
    return fn_runner.FnApiRunner(provision_info=fn_runner.ExtendedProvisionInfo(told))


class _Handler(worker_handlers.SubprocessSdkWorkerHandler):
    """Answers for a worker that has died."""

    def start_worker(self):
        self.worker = local_job_service.SubprocessSdkWorker(
            self._worker_command_line,
            self.control_address,
            self.provision_info,
            self.worker_id,
        )
        self.worker_thread = threading.Thread(target=self._run, daemon=True)
        self.worker_thread.start()

    def close(self):
        started = worker_handlers.BeamFnControlServicer.STARTED_STATE
        self._has_answered = self.control_conn._state == started
        super().close()

    def stop_worker(self):
        # Nobody tells one that has still to come in; it ends as nobody is there then.
        if self._has_answered:
            self.worker_thread.join()

    def _run(self):
        try:
            self.worker.run()
        except RuntimeError as error:
            connection = self.control_conn
            for name, future in list(connection._futures_by_id.items()):
                answer = {"instruction_id": name, "error": f"{error}"}
                future.set(beam_fn_api_pb2.InstructionResponse(**answer))


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """Let pipelines fail when a process that works for them dies."""
    register = worker_handlers.WorkerHandler.register_environment
    register(python_urns.SUBPROCESS_SDK, bytes)(_Handler)
    own = str(pathlib.Path(__file__).parents[1])
    before = os.environ.get("PYTHONPATH")
    # Workers import this package as this process does, whatever folder it runs in.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (own, before)))
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
        original = worker_handlers.SubprocessSdkWorkerHandler
        register(python_urns.SUBPROCESS_SDK, bytes)(original)
