"""Lists to choose from that fit into a narrow dock."""

from PySide6.QtWidgets import QComboBox, QSizePolicy


def narrow_combo(name: str, editable: bool = False) -> QComboBox:
    """A list that is as wide as there is room, however long its entries.

    Args:
        name: accessible name.
        editable: what is not in the list can be typed.
    """
    combo = QComboBox()
    combo.setEditable(editable)
    combo.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(8)
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    combo.setAccessibleName(name)
    return combo
