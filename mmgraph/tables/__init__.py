"""Tables of any kind, whole in memory or read from disk a part at a time."""

from typing import TYPE_CHECKING

from mmgraph.system.lazy import hand_on

if TYPE_CHECKING:
    from mmgraph.tables.arrow import ArrowTable as ArrowTable
    from mmgraph.tables.base import DiskTable as DiskTable
    from mmgraph.tables.opening import Table as Table
    from mmgraph.tables.opening import open_table as open_table
    from mmgraph.tables.opening import read_frame as read_frame
    from mmgraph.tables.parquet import ParquetTable as ParquetTable
    from mmgraph.tables.table_file import TableFile as TableFile
else:
    __all__, __getattr__, __dir__ = hand_on(
        __name__,
        {
            "ArrowTable": "mmgraph.tables.arrow",
            "DiskTable": "mmgraph.tables.base",
            "ParquetTable": "mmgraph.tables.parquet",
            "Table": "mmgraph.tables.opening",
            "TableFile": "mmgraph.tables.table_file",
            "open_table": "mmgraph.tables.opening",
            "read_frame": "mmgraph.tables.opening",
        },
    )
