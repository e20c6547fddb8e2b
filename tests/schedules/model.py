"""What one operation after the other comes to, worked out from the words of the promises.

A dictionary over a second one; nothing here comes from the package.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from .operations import saved_by, written_by
from .worlds import NAME, World

#: The result of a part that a crash kept from being told.
UNTOLD: Any = object()


@dataclass
class Inode:
    """A file whatever name it has, or had."""

    content: bytes


Files = dict[str, Inode]


@dataclass
class Memory:
    """What one actor keeps between the parts of its operation."""

    actor: str
    files: list[Inode] = field(default_factory=list)
    #: Whether the first backend refused what it saves, so that the second one has it.
    fails_over: bool = False
    #: The name that it was given, where only the files tell.
    name: str = NAME


@dataclass
class Model:
    """Two backends as they are, and the rules that hold for them."""

    world: World
    first: Files
    second: Files
    is_deleted: bool = False
    #: Whether something failed, so that a name may be avoided that is free.
    is_disturbed: bool = False

    @classmethod
    def of(cls, world: World, *, is_disturbed: bool) -> Model:
        first, second = (
            {name: Inode(content) for name, content in files.items() if name == NAME}
            for files in (world.files("first"), world.files("second"))
        )
        return cls(world, first, second, world.placing == "deleted", is_disturbed)

    def holder(self, name: str = NAME) -> Files | None:
        if name in self.first:
            return self.first
        if name in self.second and not (self.is_deleted and name == NAME):
            return self.second
        return None

    def visible(self) -> dict[str, bytes]:
        names = self.first.keys() | self.second.keys()
        held = {name: self.holder(name) for name in names}
        return {name: files[name].content for name, files in held.items() if files is not None}

    @property
    def was_in_first(self) -> bool:
        """Whether the first backend had the name at the beginning."""
        return NAME in self.world.files("first")

    def play(self, part: Play, memory: Memory, told: Any) -> bool:
        """Do a part; return whether what was told of it can be true."""
        if isinstance(told, Exception) and part not in _MAY_RAISE:
            return False
        return part(self, memory, told)

    # The operations.

    def save(self, memory: Memory, told: Any) -> bool:
        name = memory.name if told is UNTOLD else told
        if not isinstance(name, str) or not self._may_be_given(name):
            return False
        files = self.second if memory.fails_over else self.first
        if memory.fails_over and name in self.first:
            del self.first[name]  # The older copy, which its owner wanted to be replaced.
        files[name] = Inode(saved_by(memory.actor))
        return True

    def _may_be_given(self, name: str) -> bool:
        if self.world.overwrites and NAME in self.first:
            return name == NAME or self.is_disturbed
        if self.world.overwrites and self.world.apart and self.was_in_first:
            # Another process deleted it in the midst of the look at the name.
            return name == NAME or self.holder(name) is None
        if name == NAME:
            return self.holder() is None
        return self.holder(name) is None and (self.is_disturbed or self.holder() is not None)

    def delete(self, memory: Memory, told: Any) -> bool:
        if self.world.kind == "fallback-all":
            if self.world.second_is_kept and NAME in self.second:
                return told is UNTOLD or type(told).__name__ == "ReadOnlyStorageError"
            self.second.pop(NAME, None)
        self.first.pop(NAME, None)
        self.is_deleted |= self.world.is_overlay and NAME in self.second
        return told in (None, UNTOLD)

    def copy_up(self, memory: Memory, told: Any) -> bool:
        """What is opened may have been copied up a moment before: nobody can tell."""
        if self.holder() is not self.second:
            return False
        self.first[NAME] = deepcopy(self.second[NAME])
        return True

    def open_to_read(self, memory: Memory, told: Any) -> bool:
        files = self.holder()
        if files is None:
            return told is UNTOLD or isinstance(told, FileNotFoundError)
        memory.files.append(deepcopy(files[NAME]) if self._is_object(files) else files[NAME])
        return told in (None, UNTOLD)

    def _is_object(self, files: Files) -> bool:
        return files is self.first and not self.world.is_local

    def read(self, memory: Memory, told: Any) -> bool:
        files = list(memory.files)
        if not self.world.is_local and memory.files[-1] is not self.second.get(NAME):
            # S3 is asked for the content when it is read.
            if NAME not in self.first and isinstance(told, Exception):
                return True
            files += [self.first[NAME]] if NAME in self.first else []
        return told is UNTOLD or told in [inode.content for inode in files]

    def exists(self, memory: Memory, told: Any) -> bool:
        return told in (UNTOLD, self.holder() is not None)

    def size(self, memory: Memory, told: Any) -> bool:
        files = self.holder()
        if files is None:
            return told is UNTOLD or isinstance(told, FileNotFoundError)
        return told in (UNTOLD, len(files[NAME].content))

    def url(self, memory: Memory, told: Any) -> bool:
        from_first = self.holder() is self.first or self.is_deleted
        backend = "first" if from_first else "second"
        return told in (UNTOLD, f"https://{backend}.example/{NAME}")

    def open_w(self, memory: Memory, told: Any) -> bool:
        if not self.world.is_local:  # It is uploaded when it is closed.
            return told in (None, UNTOLD)
        files = self._first_that_opens(memory)
        inode = files.setdefault(NAME, Inode(b""))
        inode.content = b""
        memory.files.append(inode)
        return told in (None, UNTOLD)

    def _first_that_opens(self, memory: Memory) -> Files:
        return self.second if memory.fails_over and NAME not in self.first else self.first

    def open_a(self, memory: Memory, told: Any) -> bool:
        return self._open_to_change(memory, told, is_made=True)

    def open_r(self, memory: Memory, told: Any) -> bool:
        return self._open_to_change(memory, told, is_made=False)

    def _open_to_change(self, memory: Memory, told: Any, *, is_made: bool) -> bool:
        files = self.holder()
        if files is None and not is_made:
            return told is UNTOLD or isinstance(told, FileNotFoundError)
        if files is None:
            files = self._first_that_opens(memory)
            files[NAME] = Inode(b"")
        elif files is self.second and self.world.is_overlay:
            self.first[NAME] = deepcopy(files[NAME])
            files = self.first
        elif files is self.second and self.world.second_is_kept:
            return told is UNTOLD or type(told).__name__ == "ReadOnlyStorageError"
        memory.files.append(files[NAME])
        return told in (None, UNTOLD)

    def open_x(self, memory: Memory, told: Any) -> bool:
        if self.holder() is not None:
            return told is UNTOLD or isinstance(told, FileExistsError)
        files = self._first_that_opens(memory)
        files[NAME] = Inode(b"")
        memory.files.append(files[NAME])
        return told in (None, UNTOLD)

    def write(self, memory: Memory, told: Any) -> bool:
        data = written_by(memory.actor)
        if not self.world.is_local:
            self.first[NAME] = Inode(data)
        else:
            inode = memory.files[0]
            inode.content = data + inode.content[len(data) :]
        return told in (None, UNTOLD)

    def append(self, memory: Memory, told: Any) -> bool:
        memory.files[0].content += written_by(memory.actor)
        return told in (None, UNTOLD)


Play = Callable[[Model, Memory, Any], bool]


@dataclass(frozen=True)
class ModelPart:
    """What happens at once in the model."""

    play: Play
    #: Which of the operation's parts it belongs to.
    index: int = 0
    #: Whether it need not happen.
    is_optional: bool = False


def parts_of(operation: str, world: World) -> tuple[ModelPart, ...]:
    """Return what an operation does in the model."""
    plays = _PLAYS[operation]
    parts = tuple(ModelPart(play, index) for index, play in enumerate(plays))
    copies_up = world.promotes if operation == "read" else world.is_overlay
    if copies_up and plays[0] in _COPYING_UP:
        return ModelPart(Model.copy_up, is_optional=True), *parts
    return parts


_PLAYS: dict[str, tuple[Play, ...]] = {
    "save": (Model.save,),
    "delete": (Model.delete,),
    "replace": (Model.delete, Model.save),
    "read": (Model.open_to_read, Model.read),
    "exists": (Model.exists,),
    "size": (Model.size,),
    "url": (Model.url,),
    "wb": (Model.open_w, Model.write),
    "ab": (Model.open_a, Model.append),
    "r+b": (Model.open_r, Model.write),
    "xb": (Model.open_x, Model.write),
}
_COPYING_UP = frozenset({Model.open_to_read, Model.open_a, Model.open_r})
_MAY_RAISE = frozenset(
    {Model.delete, Model.copy_up, Model.open_to_read, Model.read, Model.size}
    | {Model.open_a, Model.open_r, Model.open_x}
)
