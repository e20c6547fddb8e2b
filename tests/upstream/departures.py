"""Which of Django's own file storage tests a combined storage does not pass, and why.

By the class that has the test, which its subclasses inherit. CONTRIBUTING.md has the same table.
"""

DEPARTURES = {
    "FileStorageTests.test_base_url": "sets `base_url` on the storage; it is the backend's",
    "FileSystemStorageTests.test_deconstruction": "expects the path of Django's class",
    "FileStorageTests.test_delete_deletes_directories": (
        "deletes by an absolute path, which is refused"
    ),
    "FileStorageTests.test_file_save_with_path": (
        "expects `exists` of a directory; ask for it with a slash"
    ),
    "FileStorageTests.test_makedirs_race_handling": (
        "expects the disk's own error, where a save goes on to the next backend or raises"
        " `StorageUnavailable`"
    ),
    "FileStorageTests.test_remove_race_handling": "expects the same of a delete",
    "FileStorageTests.test_setting_changed": "asks the storage for the disk's permissions",
    "OverwritingStorageOSOpenFlagsWarningTests.test_os_open_flags_deprecation_warning": (
        "expects the warning at the line that made the backend"
    ),
}
