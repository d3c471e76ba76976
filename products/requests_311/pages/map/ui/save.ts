/**
 * Handing a file to the person: a chart or the map as a picture, an export.
 *
 * Belongs here: making and saving files. Does not belong here: what is in them.
 */

/** Save a blob under a name. */
export function save(file: Blob, name: string): void {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** A name that every file system takes. */
export function fileName(title: string, ending: string): string {
    return `${title.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "")}.${ending}`;
}

function toPng(canvas: HTMLCanvasElement): Promise<Blob> {
    return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png"));
}

/** Save a chart at three times its size, with its title above it. */
export async function savePicture(svg: SVGSVGElement, title: string, paper: string, ink: string): Promise<void> {
    const { width, height } = svg.viewBox.baseVal;
    const copy = svg.cloneNode(true) as SVGSVGElement;
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    copy.setAttribute("width", String(width));
    copy.setAttribute("height", String(height));
    const address = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" }));
    try {
        const image = new Image();
        image.src = address;
        await image.decode();
        const [scale, edge, head] = [3, 16, 34];
        const canvas = document.createElement("canvas");
        canvas.width = (width + 2 * edge) * scale;
        canvas.height = (height + edge + head) * scale;
        const pen = canvas.getContext("2d") as CanvasRenderingContext2D;
        pen.scale(scale, scale);
        pen.fillStyle = paper;
        pen.fillRect(0, 0, canvas.width, canvas.height);
        pen.fillStyle = ink;
        pen.font = "600 15px system-ui, sans-serif";
        pen.fillText(title, edge, 23);
        pen.drawImage(image, edge, head, width, height);
        save(await toPng(canvas), fileName(title, "png"));
    } finally {
        URL.revokeObjectURL(address);
    }
}

/** Save a canvas as it is. */
export async function saveCanvas(canvas: HTMLCanvasElement, title: string): Promise<void> {
    save(await toPng(canvas), fileName(title, "png"));
}
