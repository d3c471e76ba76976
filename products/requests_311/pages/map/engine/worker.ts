/**
 * The worker's side of the conversation: a message names a method of the engine, the answer carries what it gave.
 *
 * Belongs here: passing on. Does not belong here: anything that is not passing on.
 */
import { Engine } from "./engine";

export interface Ask {
    readonly id: number;
    readonly method: string;
    readonly given: readonly unknown[];
}
export type Answer =
    | { readonly id: number; readonly value: unknown }
    | { readonly id: number; readonly error: { readonly name: string; readonly message: string } };

let engine: Engine | null = null;

self.onmessage = async ({ data }: MessageEvent<Ask>) => {
    const { id, method, given } = data;
    try {
        if (method === "start") {
            engine = new Engine(given[0] as string, (told) => self.postMessage({ told }));
            self.postMessage({ id, value: null });
            return;
        }
        if (!engine) throw new Error("the engine has not been started");
        const call = (engine as unknown as Record<string, (...values: readonly unknown[]) => unknown>)[method];
        const value = await call.apply(engine, [...given]);
        const data = (value as { data?: unknown } | null)?.data;
        self.postMessage({ id, value }, { transfer: data instanceof ArrayBuffer ? [data] : [] });
    } catch (error) {
        const { name, message } = error as Error;
        self.postMessage({ id, error: { name, message } });
    }
};
