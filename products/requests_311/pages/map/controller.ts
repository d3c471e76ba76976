/**
 * Between the model and the worker: a change of filters is counted, and the answer goes into the model.
 *
 * Belongs here: when to ask for what. Does not belong here: drawing.
 */
import { Client } from "./engine/client";
import type { Opened, Told } from "./engine/engine";
import type { Filters } from "./engine/filters";
import { keepLink, read } from "./link";
import { Model, type State } from "./state";

export class Controller {
    readonly client: Client;
    model: Model | null = null;
    /** Told of the progress of named tasks (points, exports). */
    readonly onProgress = new Map<string, (done: number, total: number) => void>();
    private counted: Filters | null = null;
    private waited: Filters | null = null;

    constructor(base: string) {
        this.client = new Client(base, (told) => this.told(told));
    }

    /** Load what the first view needs. Throws when that does not come. */
    async open(): Promise<{ readonly model: Model; readonly opened: Opened }> {
        const opened = await this.client.call("open");
        const { state, unknown } = read(opened.manifest, location.hash);
        const model = new Model(opened.manifest, state);
        model.unknown.value = unknown;
        this.model = model;
        keepLink(model);
        model.state.subscribe((changed) => this.changed(changed));
        this.changed(state);
        return { model, opened };
    }

    /** Ask again for what failed. */
    retry(): void {
        if (!this.model) return;
        this.model.problem.value = null;
        void this.client.call("years").catch((error: Error) => this.failed(error));
        this.recount();
    }

    private told(told: Told): void {
        const { model } = this;
        if (told.kind === "progress") this.onProgress.get(told.task)?.(told.done, told.total);
        else if (told.kind === "failed") this.failed(new Error(told.message));
        else {
            if (told.kind === "years" && model) model.years.value = told;
            this.recount();
        }
    }

    private failed(error: Error): void {
        if (this.model) this.model.problem.value = error.message;
    }

    private recount(): void {
        this.counted = null;
        if (this.model) this.changed(this.model.state.value);
    }

    private changed(state: State): void {
        const { model } = this;
        if (!model) return;
        if (state.filters !== this.counted) {
            this.counted = state.filters;
            const began = performance.now();
            void this.client
                .count(state.filters, (counted) => {
                    model.changedAt = began;
                    model.counted.value = counted;
                })
                .catch((error: Error) => this.failed(error));
        }
        const needed = state.metric === "wait" || state.tab === "charts";
        if (needed && this.waited !== state.filters) {
            this.waited = state.filters;
            this.client.call("waits", state.filters).then(
                (waits) => {
                    if (this.waited === state.filters) model.waits.value = waits;
                },
                (error: Error) => this.failed(error),
            );
        }
    }
}
