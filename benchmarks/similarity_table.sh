#!/bin/sh
# All anonymizers on 500 photos of the crowd and on 200 portraits, metric by metric.
#
#   benchmarks/similarity_table.sh PORTRAITS RESULTS [PHOTOS]
#
# PORTRAITS: a folder in WIDER FACE's layout; its validation photos are taken.
# RESULTS: a folder to make; tables are crowd/similarity.csv and
# portraits-*/similarity.csv. PHOTOS: of each, instead of 500 and 200.
# Compared with the untouched files, so that `original` shows what the encoding changes.
# The weights are those that learnt from the crowd, also on the portraits, so that all
# generators are treated alike.
set -eu
cd "$(dirname "$0")/.."
portraits=$(realpath "$1") results=$2 crowd=${3:-500} few=${3:-200}
python=${PYTHON:-.venv/bin/python}
filters=original,blackout,blur,fullblur,pixelate
compare() {
    "$python" main.py --mode=similarity --data_dir="$results/data" \
        --set=similarity.reference=source "$@"
}
compare --dataset=synthetic_crowd --workdir="$results/crowd" \
    --set=data.crowd.num_train="$crowd" --set=data.crowd.num_validation=1 \
    --set=study_anonymizers=$filters,sun2018,deepprivacy,ciagan
mkdir -p "$results/photos/wider_face_split"
ln -sfn "$portraits/WIDER_val" "$results/photos/WIDER_val"
cp "$portraits/wider_face_split/wider_face_val_bbx_gt.txt" "$results/photos/wider_face_split"
for names in $filters sun2018 deepprivacy ciagan; do
    weights=
    [ "$names" = "$filters" ] ||
        weights="--anonymizer=$names --weights=safefakes_tf/weights/${names}_crowd.npz"
    # shellcheck disable=SC2086
    compare --dataset=widerface --manual_dir="$results/photos" $weights \
        --set=data.allow_partial=true --set=similarity.split="validation[:$few]" \
        --set=study_anonymizers="$names" --workdir="$results/portraits-$names"
done
