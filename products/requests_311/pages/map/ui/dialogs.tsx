/**
 * Share, download, and "what am I looking at": three windows over the page.
 *
 * Belongs here: the windows. Does not belong here: making links (`link.ts`) and files (`engine/exporting.ts`).
 */
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Form } from "../engine/write";
import { write } from "../link";
import { useCell } from "../state";
import { isoText, number, percent, text } from "../text";
import { useShown } from "./context";
import { save, saveCanvas } from "./save";

export type DialogName = "share" | "download" | "about";

function Dialog({ title, close, children }: { title: string; close: () => void; children: preact.ComponentChildren }) {
    const box = useRef<HTMLDialogElement>(null);
    const id = useId();
    useEffect(() => {
        box.current?.showModal();
    }, []);
    return (
        <dialog class="dialog" ref={box} aria-labelledby={id} onClose={close} onClick={(event) => event.target === box.current && box.current?.close()}>
            <div class="dialog-body">
                <header>
                    <h2 id={id}>{title}</h2>
                    <button type="button" class="icon" aria-label={text.close} onClick={() => box.current?.close()}>×</button>
                </header>
                {children}
            </div>
        </dialog>
    );
}

export function Dialogs({ open, close }: { open: DialogName | null; close: () => void }) {
    if (open === "share") return <Share close={close} />;
    if (open === "download") return <Download close={close} />;
    return open === "about" ? <About close={close} /> : null;
}

function Copy({ label, value, rows, button }: { label: string; value: string; rows: number; button: string }) {
    const [copied, setCopied] = useState(false);
    const box = useRef<HTMLTextAreaElement>(null);
    const copy = async () => {
        try {
            await navigator.clipboard.writeText(value);
        } catch {
            box.current?.select(); // no permission: the person copies what is marked
            return;
        }
        setCopied(true);
        setTimeout(() => setCopied(false), 2_500);
    };
    return (
        <label class="copy">
            <span>{label}</span>
            <textarea class="field" ref={box} readOnly rows={rows} value={value} onFocus={(event) => event.currentTarget.select()} />
            <button type="button" class="button" onClick={() => void copy()}>{copied ? text.share.copied : button}</button>
        </label>
    );
}

function Share({ close }: { close: () => void }) {
    const { page, manifest, state } = useShown();
    const bare = location.origin + location.pathname;
    const hash = write(manifest, state);
    const frame = `<iframe src="${`${bare}?embed${hash}`.replaceAll("&", "&amp;")}" title="${text.title}" width="100%" height="600" style="border:0" loading="lazy"></iframe>`;
    const map = useCell(page.map);
    return (
        <Dialog title={text.share.title} close={close}>
            <p class="hint">{text.share.hint}</p>
            <Copy label={text.share.link} value={bare + hash} rows={2} button={text.share.copy} />
            <Copy label={text.share.embed} value={frame} rows={5} button={text.share.copyCode} />
            <button type="button" class="button is-plain" onClick={() => map && void saveCanvas(map.map.getCanvas(), text.map)}>{text.share.picture}</button>
        </Dialog>
    );
}

let tasks = 0;

function Download({ close }: { close: () => void }) {
    const { page, model, state } = useShown();
    const { client, onProgress } = page.controller;
    const counted = useCell(model.counted);
    const total = counted?.counts.total ?? 0;
    const [form, setForm] = useState<Form>("csv");
    const [task, setTask] = useState<number | null>(null);
    const [done, setDone] = useState(0);
    const [said, say] = useState("");
    const start = async () => {
        const id = ++tasks;
        setTask(id);
        setDone(0);
        say("");
        onProgress.set(`export ${id}`, (now, all) => setDone(all ? now / all : 1));
        try {
            const { file, name, rows } = await client.call("export", id, state.filters, form);
            save(file, name);
            say(text.download.done(number(rows)));
        } catch (error) {
            say((error as Error).name === "AbortError" ? text.download.stopped : text.download.failed);
        } finally {
            onProgress.delete(`export ${id}`);
            setTask(null);
        }
    };
    return (
        <Dialog title={text.download.title} close={() => {
            if (task !== null) void client.call("cancel", task);
            close();
        }}>
            <p>{total ? text.download.about(number(total)) : text.download.none}</p>
            <fieldset class="forms">
                <legend>{text.download.choose}</legend>
                {(Object.keys(text.download.forms) as Form[]).map((name) => (
                    <label class="check" key={name}>
                        <input type="radio" name="form" checked={form === name} disabled={task !== null} onChange={() => setForm(name)} />
                        <span>{text.download.forms[name]}</span>
                    </label>
                ))}
            </fieldset>
            {task === null ? (
                <button type="button" class="button" disabled={!total} onClick={() => void start()}>{text.download.start}</button>
            ) : (
                <div class="working">
                    <progress value={done} max={1} aria-label={text.download.title} />
                    <span>{text.download.progress(percent(done))}</span>
                    <button type="button" class="button is-plain" onClick={() => void client.call("cancel", task)}>{text.download.cancel}</button>
                </div>
            )}
            <p role="status">{said}</p>
        </Dialog>
    );
}

function About({ close }: { close: () => void }) {
    const { manifest } = useShown();
    const groups = new Map<string, string[]>();
    for (const note of manifest.notes) groups.set(note.title, [...(groups.get(note.title) ?? []), note.text]);
    return (
        <Dialog title={text.about.title} close={close}>
            <p>{text.about.intro}</p>
            <p>
                {text.about.newest(isoText(manifest.newest_created_on ?? manifest.last_day))}{" "}
                {manifest.rows_without_point > 0 && text.about.without(number(manifest.rows_without_point))}{" "}
                {(manifest.undated_rows ?? 0) > 0 && text.about.undated(number(manifest.undated_rows ?? 0))}
            </p>
            <dl class="notes">
                {[...groups].map(([title, texts]) => (
                    <div key={title}>
                        <dt>{title}</dt>
                        {texts.map((each) => <dd key={each}>{each}</dd>)}
                    </div>
                ))}
            </dl>
            <p class="hint">{text.about.source} {Object.entries(manifest.versions).map(([name, version]) => `${manifest.product}.${name} ${version}`).join(", ")}</p>
        </Dialog>
    );
}
