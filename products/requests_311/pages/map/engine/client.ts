/**
 * The page's side of the conversation with the worker.
 *
 * Belongs here: asking and awaiting, and that of many changes in a row only the newest is counted. Does not belong here: state.
 */
import type { Counted, Engine, Told } from "./engine";
import type { Filters } from "./filters";
import type { Answer } from "./worker";

type Methods = {
    [K in keyof Engine as Engine[K] extends (...given: never[]) => unknown ? K : never]: Engine[K] extends (...given: infer A) => infer R
        ? (...given: A) => Promise<Awaited<R>>
        : never;
};

export class Client {
    private readonly worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    private readonly waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
    private next = 1;
    private counting = false;
    private queued: Filters | null = null;

    constructor(base: string, tell: (told: Told) => void) {
        this.worker.onmessage = ({ data }: MessageEvent<Answer | { told: Told }>) => {
            if ("told" in data) return tell(data.told);
            const asked = this.waiting.get(data.id);
            this.waiting.delete(data.id);
            if ("error" in data) asked?.reject(Object.assign(new Error(data.error.message), { name: data.error.name }));
            else asked?.resolve(data.value as never);
        };
        this.worker.onerror = (event) => tell({ kind: "failed", message: event.message });
        void this.ask("start", base);
    }

    private ask<T>(method: string, ...given: readonly unknown[]): Promise<T> {
        const id = this.next++;
        return new Promise<T>((resolve, reject) => {
            this.waiting.set(id, { resolve, reject });
            this.worker.postMessage({ id, method, given });
        });
    }

    /** Any method of the engine. */
    call<K extends keyof Methods>(method: K, ...given: Parameters<Methods[K]>): ReturnType<Methods[K]> {
        return this.ask(method, ...given) as ReturnType<Methods[K]>;
    }

    /** Count the newest filters asked for; those overtaken meanwhile are never counted. */
    async count(filters: Filters, show: (counted: Counted, filters: Filters) => void): Promise<void> {
        this.queued = filters;
        if (this.counting) return;
        this.counting = true;
        try {
            while (this.queued) {
                const wanted = this.queued;
                this.queued = null;
                const counted = await this.call("count", wanted);
                if (!this.queued) show(counted, wanted);
            }
        } finally {
            this.counting = false;
        }
    }
}
