"""What a storage declares about itself before its promises are checked."""

from __future__ import annotations

from django.core.files.storage import Storage


class Capabilities:
    """What a storage can do; the defaults are what a good remote storage does.

    Nothing is skipped: where a capability is not declared, its opposite is checked.
    """

    # What it has.

    #: ``path`` returns a path; else it raises NotImplementedError.
    supports_path: bool = False
    #: Such a path can be opened with Python's ``open``; else nothing lies there.
    paths_are_real: bool = True
    #: ``url`` returns the quoted URL; else it raises NotImplementedError.
    supports_url: bool = True
    #: ``listdir`` answers; else it raises NotImplementedError.
    supports_listdir: bool = True
    #: Which ``get_…_time`` answer; the others raise NotImplementedError.
    times: frozenset[str] = frozenset({"accessed", "created", "modified"})

    # Directories.

    #: A directory ``exists``, and listing a missing one raises FileNotFoundError;
    #: else ``exists`` is false and the listing is empty.
    directories_exist: bool = True
    #: ``open`` for writing makes the directory, as ``save`` does; else it raises
    #: FileNotFoundError.
    open_makes_directories: bool = True
    #: ``delete`` of a directory deletes the files in it.
    deletes_trees: bool = False

    # Names.

    #: A second ``save`` of a name replaces the file; else it is stored under another name.
    overwrites: bool = False
    #: Two simultaneous saves of one name are both kept.
    keeps_concurrent_saves: bool = True
    #: ``..`` above the root is refused by every method; else by ``save`` alone.
    refuses_traversal: bool = True
    #: ``delete("")`` raises ValueError; else it does nothing.
    delete_needs_a_name: bool = True

    # Contents.

    #: ``save`` takes text and stores it as bytes; else it raises, and stores nothing.
    takes_text: bool = True
    #: ``save`` takes what cannot seek; else it raises, and stores nothing.
    takes_streams: bool = True
    #: ``save`` closes the content.
    closes_content: bool = False
    #: Content that raises half-way leaves what was read so far under the name.
    leaves_partial_files: bool = False

    # Opened files.

    #: ``open`` of a missing name succeeds, and its first read raises FileNotFoundError.
    lazy_open: bool = False
    #: ``open`` in mode "r" gives text; else bytes.
    opens_text: bool = True
    #: The modes ``open`` writes in; any other is refused, and the file keeps its content.
    write_modes: frozenset[str] = frozenset({"wb", "ab", "r+b"})
    #: "wb" empties the file; else what is not written over stays.
    truncates: bool = True
    #: "ab" writes at the end; else at the start.
    appends: bool = True
    #: A closed file is closed; else it can still be read.
    closes_files: bool = True
    #: Two files opened of one name have a position each.
    independent_positions: bool = True

    def make_storage(self) -> Storage:
        """A new, empty storage: the one method to override."""
        raise NotImplementedError(f"{type(self).__name__} must override make_storage().")
