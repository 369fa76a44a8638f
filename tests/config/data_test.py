from safefakes_tf.config import AnonymizationConfig, DataConfig, data


def test_demonstration_weights_serve_on_computer_made_crowds_only(
    monkeypatch, tmp_path
):
    monkeypatch.setattr(data, "DEMONSTRATION", tmp_path)
    (tmp_path / "sun2018.npz").touch()
    (tmp_path / "blur.npz").touch()
    path = str(tmp_path / "sun2018.npz")

    def weights(**fields):
        named = data.with_demonstration_weights(DataConfig(**fields))
        return named.anonymization.weights

    assert weights(anonymizer="sun2018") == path
    assert weights(anonymizer="sun2018", dataset="widerface") is None
    assert weights(anonymizer="deepprivacy") is None  # has none
    assert weights(anonymizer="blur") is None
    own = AnonymizationConfig(weights="mine.npz")
    assert weights(anonymizer="sun2018", anonymization=own) == "mine.npz"
