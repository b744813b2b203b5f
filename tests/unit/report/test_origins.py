from steadfast.core.provenance import write_provenance
from steadfast.report.origins import artifacts, read_records, stages, states, versions


def test_provenance_is_summarized_by_rule(tmp_path):
    paths = [tmp_path / name for name in ("a.csv", "b.csv", "c.csv")]
    for path in paths:
        path.write_text(path.name)
    write_provenance(paths[:2], inputs={}, params={"settings": {"revision": "main"}}, rule="two", seconds=2.5)
    write_provenance(paths[2:], inputs={str(paths[0]): "a" * 64}, params={}, rule="one", seconds=0.5)
    records = read_records([*paths, tmp_path / "never made"])
    assert [record.rule for record in records] == ["two", "two", "one"]
    assert records[0].settings == {"revision": "main"}
    table = stages(records)
    assert table[["rule", "files", "seconds"]].values.tolist() == [["two", 2, 2.5], ["one", 1, 0.5]]
    assert len(states(records)) == 1
    assert "pandas" in versions(records) and "python" in versions(records)
    assert artifacts(records)["sha256"].str.len().tolist() == [12, 12, 12]
