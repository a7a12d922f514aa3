"""The parts of scripts/make_data.py: networks, training, file formats, report."""
