/**
 * What the colors mean, and the switches that change what is shown.
 *
 * Belongs here: the card in the corner of the map. Does not belong here: the map.
 */
import { useState } from "preact/hooks";
import { OTHER_COLOR, type Steps, TYPE_COLORS } from "../map/colors";
import { type Areas, type LayerName, type Metric, useCell } from "../state";
import { compact, decimal, shortDuration, text } from "../text";
import { nameOf, useShown } from "./context";

let choices = 0;

function Choice<T extends string>({ title, names, value, set }: { title: string; names: Readonly<Record<T, string>>; value: T; set: (value: T) => void }) {
    const [group] = useState(() => `${title} ${++choices}`);
    return (
        <fieldset class="switch">
            <legend>{title}</legend>
            {(Object.keys(names) as T[]).map((name) => (
                <label key={name} class={name === value ? "is-on" : ""}>
                    <input type="radio" name={group} checked={name === value} onChange={() => set(name)} />
                    <span>{names[name]}</span>
                </label>
            ))}
        </fieldset>
    );
}

function words(metric: Metric, value: number): string {
    if (metric === "wait") return shortDuration(value);
    return metric === "rate" ? decimal(value) : compact(value);
}

export function Legend({ scale, layer, types }: { scale: Steps; layer: LayerName; types: readonly number[] }) {
    const { model, manifest, state } = useShown();
    const note = useCell(model.pointsNote);
    const [open, setOpen] = useState(false); // matters on a phone; on a wide screen the switches are a bar over the map
    const noRate = state.areas === "districts" && state.metric === "rate";
    return (
        <section class={open ? "legend is-open" : "legend"} aria-label={text.colorBy}>
            <button type="button" class="legend-head" aria-expanded={open} onClick={() => setOpen(!open)}>
                {layer === "areas" ? text.legend[state.metric] : layer === "heat" ? text.layers.heat : text.what}
                <span class="caret" aria-hidden="true" />
            </button>
            {layer === "areas" && scale.bounds.length > 0 && (
                <div class="ramp" aria-hidden="true">
                    {scale.colors.map((color, i) => (
                        <span key={color} style={{ background: color }}>
                            <small>{i === 0 ? "" : words(state.metric, scale.bounds[i - 1])}</small>
                        </span>
                    ))}
                </div>
            )}
            {layer === "points" && (
                <ul class="keys">
                    {types.map((id, i) => (
                        <li key={id}><i style={{ background: TYPE_COLORS[i] }} />{nameOf(manifest, "types", id)}</li>
                    ))}
                    <li><i style={{ background: OTHER_COLOR }} />{text.otherTypes}</li>
                </ul>
            )}
            {layer === "heat" && <p class="hint">{text.heatHint}</p>}
            {layer === "areas" && <p class="hint is-wide">{state.metric === "wait" ? text.waitHint : text.zoomHint}</p>}
            {noRate && <p class="hint">{text.noPopulation}</p>}
            {note && <p class="hint" role="status">{note}</p>}
            {open && <Switches />}
        </section>
    );
}

/** The three switches; drawn in the legend on a phone, as a bar over the map elsewhere. */
export function Switches() {
    const { model, state } = useShown();
    return (
        <div class="switches">
            <Choice<LayerName> title={text.layer} names={text.layers} value={state.layer} set={(layer) => model.set({ layer })} />
            <Choice<Metric> title={text.colorBy} names={text.metrics} value={state.metric} set={(metric) => model.set({ metric })} />
            <Choice<Areas> title={text.areaBy} names={text.areas} value={state.areas} set={(areas) => model.set({ areas })} />
        </div>
    );
}
