"""Files in a folder of this machine, or one that several machines have mounted."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core.language import Message, lazy
from core.storage.place import OF_STORES, CannotWrite, flush, sha256_of


@dataclass(frozen=True)
class Folder:
    """A folder; it need not exist yet."""

    root: Path
    setting: str = "LAB_RUNS_DIR"  # the variable that chooses another folder

    def check(self) -> None:
        """Make the folder. Raises CannotWrite where nothing can be written into it."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            if not os.access(self.root, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise CannotWrite(self._refused(error)) from error

    def write(self, name: str, fill: Callable[[Path], None]) -> str:
        """See `Place`."""
        path = self.root / name
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.touch()
            mode = temporary.stat().st_mode
            fill(temporary)
            temporary.chmod(mode)  # safetensors lets only its owner read what it writes
            flush(temporary)
            digest = sha256_of(temporary)
            temporary.replace(path)
            with suppress(OSError):  # Windows opens no folders
                flush(path.parent)
        except Exception as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            system = _system_error(error)
            if system is None and self._is_full():
                system = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if system:
                raise CannotWrite(self._refused(system)) from error
            raise
        return digest

    def may_have(self, name: str) -> bool:
        """See `Place`."""
        return (self.root / name).exists()

    def address(self, name: str) -> str:
        """See `Place`."""
        return str(self.root / name)

    def fetch(self, name: str, sha256: str = "") -> Path:
        """The file where it lies. Raises FileNotFoundError."""
        path = self.root / name
        if not path.is_file():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return path

    def fetch_all(self, names: Mapping[str, str]) -> dict[str, Path]:
        """See `Place`."""
        paths = {name: self.root / name for name in names}
        return {name: path for name, path in paths.items() if path.is_file()}

    def fetch_folder(self, name: str) -> Path | None:
        """See `Place`."""
        tops = (self.root, *(self.root / store for store in self._stores()))
        return next((path for top in tops if (path := top / name).is_dir()), None)

    def sizes(self, folder: str) -> dict[str, int]:
        """See `Place`."""
        top, sizes = self.root / folder, {}
        for parent, _folders, names in os.walk(top):  # a folder that is not there has no files
            for name in names:
                path = Path(parent, name)
                with suppress(OSError):  # it was removed meanwhile
                    sizes[path.relative_to(top).as_posix()] = path.stat().st_size
        return sizes

    def folders(self, folder: str) -> list[str]:
        """See `Place`."""
        try:
            with os.scandir(self.root / folder) as entries:
                return sorted(entry.name for entry in entries if entry.is_dir())
        except OSError:
            return []

    def _stores(self) -> Iterator[str]:
        return (name for name in self.folders("") if name.startswith(OF_STORES))

    def remove(self, folder: str, names: Iterable[str]) -> None:
        """See `Place`."""
        for name in names:
            with suppress(OSError):
                (self.root / folder / name).unlink(missing_ok=True)

    def remove_folder(self, folder: str) -> None:
        """See `Place`."""
        shutil.rmtree(self.root / folder, ignore_errors=True)

    def _refused(self, error: OSError) -> Message:
        """Why the operating system has refused to write, and what would help."""
        number = error.errno
        about = {"folder": str(self.root), "setting": self.setting}
        if number in (errno.ENOSPC, errno.EDQUOT):
            return lazy(
                "The run's files could not be written into {folder}: the disk is full; free some"
                " space.",
                folder=about["folder"],
            )
        if number in (errno.EACCES, errno.EPERM, errno.EROFS):
            return lazy(
                "The run's files could not be written into {folder}: the folder is read-only; make"
                " it writable, or set {setting}.",
                **about,
            )
        return lazy(
            "The run's files could not be written into {folder} ({reason}); mend that, or set"
            " {setting}.",
            **about,
            reason=error.strerror or str(error),
        )

    def _is_full(self) -> bool:
        """Whether nothing more fits, for errors that keep no number: those of torch's writer."""
        try:
            return shutil.disk_usage(self.root).free < 2**20
        except OSError:
            return False


def _system_error(error: BaseException | None) -> OSError | None:
    """The OSError behind an error: torch and safetensors wrap it in errors of their own."""
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__ or error.__context__
    return error
