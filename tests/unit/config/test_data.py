"""The data folder is found where people say, and closed to everybody else."""

import stat
from pathlib import Path

import pytest

from config.data import DataFolder
from config.errors import DataFolderError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("option", "environ", "expected"),
    [
        ("/opt/a", {"GORIZONT_DATA": "/b", "XDG_DATA_HOME": "/c"}, "/opt/a"),
        (None, {"GORIZONT_DATA": "/b", "XDG_DATA_HOME": "/c"}, "/b"),
        (None, {"XDG_DATA_HOME": "/c"}, "/c/gorizont"),
        (None, {"GORIZONT_DATA": "", "XDG_DATA_HOME": ""}, "/home/anna/.local/share/gorizont"),
        (None, {"GORIZONT_DATA": "~/pbx"}, "/home/anna/pbx"),
    ],
)
def test_folder_is_the_first_that_somebody_names(
    option: str | None, environ: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    assert DataFolder.locate(Path(option) if option else None, environ).root == Path(expected)


def test_relative_folder_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert DataFolder.locate(Path("pbx"), {}).root == tmp_path / "pbx"


def test_create_makes_folders_for_the_owner_alone(tmp_path: Path) -> None:
    data = DataFolder(tmp_path / "a" / "b")
    data.create()
    assert [mode(path) for path in (data.root, data.secrets, data.tls, data.run)] == [0o700] * 4
    assert data.engine_socket.parent.is_dir()


def test_create_keeps_an_existing_root_and_closes_the_secrets(tmp_path: Path) -> None:
    data = DataFolder(tmp_path / "data")
    data.root.mkdir(mode=0o755)
    data.secrets.mkdir(mode=0o777)
    data.secrets.chmod(0o777)
    (data.secrets / "storage.key").write_text("kept")
    data.create()
    assert (mode(data.root), mode(data.secrets)) == (0o755, 0o700)
    assert data.storage_key.read_text() == "kept"


def test_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "tls").write_text("")
    with pytest.raises(DataFolderError, match=r"cannot use .*/data as data folder: .*/tls: File exists"):
        DataFolder(tmp_path / "data").create()
