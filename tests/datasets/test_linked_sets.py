import pytest
import torch

from mmgraph import DataError, MultimodalGraphClassifier, Text


def test_magb_gives_neighbours_as_links(copy_of):
    case, folder = copy_of("magb")
    data = case(folder)
    row = data.frame.iloc[3]
    assert (row["id"], row["neighbour"], row["label"]) == ("3", ["4", "10"], "Kind 1")
    assert data.parts == ["train", "val", "test"]
    assert [(link.column, link.key) for link in data.links] == [("neighbour", "id")]


def test_mm_graph_leaves_out_nodes_without_label(copy_of):
    case, folder = copy_of("mm_graph")
    frame = case(folder).frame.set_index("id")
    assert "B000" not in frame.index
    assert frame.loc["B002", "linked"] == ["B003"]
    assert frame.loc["B002", "text"] == "Book B002 a novel"
    assert frame["split"].value_counts().to_dict() == {"train": 7, "val": 2, "test": 2}


@pytest.mark.parametrize("name", ["magb", "mm_graph"])
def test_links_reach_the_model(copy_of, name):
    case, folder = copy_of(name)
    data = case(folder)
    clf = MultimodalGraphClassifier(
        [Text("text", features=None)], links=data.links, graph=False, verbose=False
    )
    clf.fit(data.frame, data.label)
    assert clf.count_items(data.frame)["linked"].all()


def test_damaged_tables_are_named(copy_of):
    case, folder = copy_of("magb")
    table = folder / "Toys" / "Toys.csv"
    table.write_text(table.read_text().replace('"[1, 7]"', "1 and 7"))
    with pytest.raises(DataError, match=r"Toys\.csv, line 2: expected a list of ids"):
        case(folder)
    table.unlink()
    with pytest.raises(DataError, match=r"Toys\.csv"):
        case(folder)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("split.pt", {"train": [1]}, "expected the key 'train_idx'"),
        ("split.pt", {"train_idx": [99], "val_idx": [], "test_idx": []}, "node 99 has no label"),
        ("nc_edges-nodeid.pt", [1, 2], "expected pairs of nodes"),
        ("labels-w-missing.pt", {"a": 1}, "expected a list"),
        ("node_mapping.pt", torch.nn.Linear(1, 1), "cannot be read as numbers"),
    ],
)
def test_damaged_graphs_are_named(copy_of, name, value, message):
    case, folder = copy_of("mm_graph")
    torch.save(value, folder / "books-nc" / name)
    with pytest.raises(DataError, match=message):
        case(folder)
    (folder / "books-nc" / name).write_bytes(b"none")
    with pytest.raises(DataError, match=name):
        case(folder)
