"""How much of an uploaded file we take in."""

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import MemoryFileUploadHandler

MOST_BYTES = 1_500_000  # of the whole form; the files we read may have 1 MB


class SmallFiles(MemoryFileUploadHandler):
    """Keeps files in memory, and refuses a form that would fill it before reading its files."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: Any,  # noqa: N803 (Django calls it so)
        content_length: int,
        boundary: Any,
        encoding: Any = None,
    ) -> Any:
        """Raises `RequestDataTooBig` (answered with 4xx)."""
        if content_length > MOST_BYTES:
            raise RequestDataTooBig("The files are too large.")
        super().handle_raw_input(input_data, META, content_length, boundary, encoding)
