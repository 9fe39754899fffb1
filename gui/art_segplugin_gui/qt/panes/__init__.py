"""The panes that show pictures with label maps, errors and perturbations over them."""
