"""The precision-recall plot of WIDER FACE."""

import pathlib

from safefakes_tf import atomic
from safefakes_tf.evaluation.wider_face import Result


def plot_precision_recall(results: dict[str, Result], path: pathlib.Path) -> None:
    """Draw precision over recall, one panel per difficulty, one line per result.

    Args:
        results: label -> result, in the order of the legend; all of the same
            difficulties.
        path: of the picture; its suffix tells the format, its folder exists.
    """
    # Imported here: evaluating needs no plot. A Figure of its own needs no display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    difficulties = next(iter(results.values())).ap
    panels = figure.subplots(1, len(difficulties), sharey=True, squeeze=False)[0]
    for row, (axes, difficulty) in enumerate(zip(panels, difficulties, strict=True)):
        for label, result in results.items():
            axes.plot(
                result.recall[row],
                result.precision[row],
                label=f"{label}, AP {result.ap[difficulty]:.3f}",
            )
        axes.set(title=difficulty, xlabel="recall", xlim=(0, 1), ylim=(0, 1.02))
        axes.grid(alpha=0.3)
        axes.legend(loc="lower left", fontsize="small")
    figure.axes[0].set_ylabel("precision")
    with atomic.writing(path) as file:
        figure.savefig(file, dpi=120, format=path.suffix[1:])
