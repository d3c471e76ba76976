/** Belongs here: types of the USWDS components we start, which come without. Does not belong here: anything of ours. */
declare module "@uswds/uswds/js/*" {
    const behavior: { on(target: HTMLElement): void };
    export default behavior;
}
