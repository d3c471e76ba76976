/**
 * Single requests as points, drawn and filtered by the graphics card.
 *
 * Belongs here: a layer that MapLibre draws among its own. Does not belong here: which points (`engine`), and what a tap means.
 *
 * The numbers of a month's rows go to the card as they are: x, y, kind, place, day and status, 12 bytes per point. A texture says of
 * each kind, place and status whether it passes, and of which color a kind is; a change of filters writes a few thousand bytes
 * into it and draws anew. No attribute is ever made again. (Why not deck.gl: docs/decisions/0011.)
 */
import type { CustomLayerInterface, CustomRenderMethodInput, Map as MapLibreMap } from "maplibre-gl";
import { POINT_BYTES } from "../engine/rows";

const WIDTH = 256;

const VERTEX = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;
in uvec2 a_spot;
in uvec4 a_what;      // kind, place, day, status
uniform mat4 u_matrix;
uniform vec2 u_span;  // of the frame, in radians
uniform float u_latitude;
uniform vec2 u_days;
uniform float u_size;
uniform usampler2D u_passes; // r: kind passes, g: place, b: status
uniform sampler2D u_colors;
out vec4 v_color;
void main() {
    ivec2 kind = ivec2(a_what.x % ${WIDTH}u, a_what.x / ${WIDTH}u);
    ivec2 place = ivec2(a_what.y % ${WIDTH}u, a_what.y / ${WIDTH}u);
    ivec2 status = ivec2(a_what.w % ${WIDTH}u, a_what.w / ${WIDTH}u);
    float day = float(a_what.z);
    bool passes = texelFetch(u_passes, kind, 0).r != 0u && texelFetch(u_passes, place, 0).g != 0u
        && texelFetch(u_passes, status, 0).b != 0u && day >= u_days.x && day <= u_days.y;
    if (!passes) { gl_Position = vec4(2.0, 2.0, 2.0, 1.0); gl_PointSize = 0.0; return; }
    vec2 angle = vec2(a_spot) / 65535.0 * u_span;
    // Mercator relative to the south-west corner; y by its series, exact to a millimeter over a city.
    float t = tan(u_latitude), s = 1.0 / cos(u_latitude), d = angle.y;
    float rise = s * d * (1.0 + d * (t / 2.0 + d * ((2.0 * t * t + 1.0) / 6.0 + d * (6.0 * t * t * t + 5.0 * t) / 24.0)));
    gl_Position = u_matrix * vec4(angle.x, -rise, 0.0, 1.0);
    gl_PointSize = u_size;
    v_color = texelFetch(u_colors, kind, 0);
}`;

const FRAGMENT = `#version 300 es
precision highp float; // as in the vertex shader: both share u_size
in vec4 v_color;
uniform float u_size;
out vec4 color;
void main() {
    float away = length(gl_PointCoord - 0.5) * u_size;
    float inside = clamp(u_size * 0.5 - away, 0.0, 1.0);
    float rim = clamp(u_size * 0.5 - 1.0 - away, 0.0, 1.0);
    if (inside <= 0.0) discard;
    vec3 body = u_size > 6.0 ? mix(v_color.rgb * 0.55, v_color.rgb, rim) : v_color.rgb;
    color = vec4(body, 1.0) * inside * v_color.a;
}`;

/** Which ids pass (1) and which days, counted from the first day of the points. */
export interface PointFilter {
    readonly kinds: Uint8Array;
    readonly places: Uint8Array;
    readonly statuses: Uint8Array;
    readonly firstDay: number;
    readonly lastDay: number;
}

export class PointLayer implements CustomLayerInterface {
    readonly id = "points";
    readonly type = "custom" as const;
    count = 0;
    visible = false;
    private map: MapLibreMap | null = null;
    private gl: WebGL2RenderingContext | null = null;
    private program: WebGLProgram | null = null;
    private buffer: WebGLBuffer | null = null;
    private array: WebGLVertexArrayObject | null = null;
    private passes: WebGLTexture | null = null;
    private colors: WebGLTexture | null = null;
    private readonly uniforms: Record<string, WebGLUniformLocation | null> = {};
    private filter: PointFilter | null = null;
    private kindColors: Uint8Array | null = null;
    private dirty = true;
    private data: Uint16Array | null = null;

    constructor(private readonly bounds: readonly [number, number, number, number]) {}

    onAdd(map: MapLibreMap, gl: WebGL2RenderingContext): void {
        this.map = map;
        this.gl = gl;
        this.program = link(gl);
        for (const name of ["matrix", "span", "latitude", "days", "size", "passes", "colors"])
            this.uniforms[name] = gl.getUniformLocation(this.program, `u_${name}`);
        this.buffer = gl.createBuffer();
        this.array = gl.createVertexArray();
        gl.bindVertexArray(this.array);
        gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
        gl.enableVertexAttribArray(0);
        gl.vertexAttribIPointer(0, 2, gl.UNSIGNED_SHORT, POINT_BYTES, 0);
        gl.enableVertexAttribArray(1);
        gl.vertexAttribIPointer(1, 4, gl.UNSIGNED_SHORT, POINT_BYTES, 4);
        gl.bindVertexArray(null);
        this.passes = texture(gl);
        this.colors = texture(gl);
        this.dirty = true;
        this.upload();
    }

    onRemove(_map: MapLibreMap, gl: WebGL2RenderingContext): void {
        gl.deleteProgram(this.program);
        gl.deleteBuffer(this.buffer);
        gl.deleteVertexArray(this.array);
        gl.deleteTexture(this.passes);
        gl.deleteTexture(this.colors);
        this.gl = null;
    }

    /** New points, as `packPoints` makes them. They are not kept here once the card has them. */
    setPoints(data: ArrayBuffer, count: number): void {
        this.data = new Uint16Array(data);
        this.count = count;
        this.upload();
        this.map?.triggerRepaint();
    }

    setFilter(filter: PointFilter): void {
        this.filter = filter;
        this.dirty = true;
        this.map?.triggerRepaint();
    }

    /** Color of each kind, as red, green, blue and opacity of 0 to 255. */
    setColors(kindColors: Uint8Array): void {
        this.kindColors = kindColors;
        this.dirty = true;
        this.map?.triggerRepaint();
    }

    private upload(): void {
        if (!this.gl || !this.data) return;
        this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.buffer);
        this.gl.bufferData(this.gl.ARRAY_BUFFER, this.data, this.gl.STATIC_DRAW);
        this.data = null;
    }

    private writeTextures(gl: WebGL2RenderingContext): void {
        if (!this.filter || !this.kindColors) return;
        const { kinds, places, statuses } = this.filter;
        const height = Math.max(1, Math.ceil(Math.max(kinds.length, places.length, statuses.length) / WIDTH));
        const passes = new Uint8Array(WIDTH * height * 4);
        kinds.forEach((pass, i) => (passes[i * 4] = pass));
        places.forEach((pass, i) => (passes[i * 4 + 1] = pass));
        statuses.forEach((pass, i) => (passes[i * 4 + 2] = pass));
        const colors = new Uint8Array(WIDTH * height * 4);
        colors.set(this.kindColors);
        gl.pixelStorei(gl.UNPACK_ALIGNMENT, 4);
        gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
        gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
        gl.bindTexture(gl.TEXTURE_2D, this.passes);
        gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8UI, WIDTH, height, 0, gl.RGBA_INTEGER, gl.UNSIGNED_BYTE, passes);
        gl.bindTexture(gl.TEXTURE_2D, this.colors);
        gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, WIDTH, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, colors);
        this.dirty = false;
    }

    render(context: WebGLRenderingContext | WebGL2RenderingContext, { defaultProjectionData }: CustomRenderMethodInput): void {
        const gl = context as WebGL2RenderingContext;
        if (!this.visible || !this.count || !this.filter || !this.map) return;
        gl.activeTexture(gl.TEXTURE0);
        if (this.dirty) this.writeTextures(gl);
        const [west, south, east, north] = this.bounds;
        const radians = Math.PI / 180;
        gl.useProgram(this.program);
        gl.uniformMatrix4fv(this.uniforms.matrix, false, cornered(defaultProjectionData.mainMatrix, west, south));
        gl.uniform2f(this.uniforms.span, (east - west) * radians, (north - south) * radians);
        gl.uniform1f(this.uniforms.latitude, south * radians);
        gl.uniform2f(this.uniforms.days, this.filter.firstDay, this.filter.lastDay);
        const zoom = this.map.getZoom();
        gl.uniform1f(this.uniforms.size, Math.max(2.2, Math.min(15, 2.2 + (zoom - 10.5) * 1.9)) * devicePixelRatio);
        gl.uniform1i(this.uniforms.passes, 0);
        gl.uniform1i(this.uniforms.colors, 1);
        gl.bindTexture(gl.TEXTURE_2D, this.passes);
        gl.activeTexture(gl.TEXTURE1);
        gl.bindTexture(gl.TEXTURE_2D, this.colors);
        gl.bindVertexArray(this.array);
        gl.disable(gl.DEPTH_TEST);
        gl.disable(gl.STENCIL_TEST);
        gl.enable(gl.BLEND);
        gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
        gl.drawArrays(gl.POINTS, 0, this.count);
        gl.bindVertexArray(null);
        gl.activeTexture(gl.TEXTURE0);
    }
}

/** The map's matrix for coordinates in radians from a corner, so that small numbers keep their digits. */
function cornered(matrix: ArrayLike<number>, west: number, south: number): Float32Array {
    const x = (west + 180) / 360;
    const y = (1 - Math.log(Math.tan(Math.PI / 4 + (south * Math.PI) / 360)) / Math.PI) / 2;
    const scale = 1 / (2 * Math.PI);
    const out = new Float32Array(16);
    for (let row = 0; row < 4; row++) {
        out[row] = matrix[row] * scale;
        out[4 + row] = matrix[4 + row] * scale;
        out[8 + row] = matrix[8 + row];
        out[12 + row] = matrix[row] * x + matrix[4 + row] * y + matrix[12 + row];
    }
    return out;
}

function texture(gl: WebGL2RenderingContext): WebGLTexture {
    const made = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, made);
    for (const [name, value] of [
        [gl.TEXTURE_MIN_FILTER, gl.NEAREST], [gl.TEXTURE_MAG_FILTER, gl.NEAREST],
        [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE], [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE],
    ]) gl.texParameteri(gl.TEXTURE_2D, name, value);
    return made as WebGLTexture;
}

function link(gl: WebGL2RenderingContext): WebGLProgram {
    const program = gl.createProgram() as WebGLProgram;
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
        const shader = gl.createShader(kind) as WebGLShader;
        gl.shaderSource(shader, source);
        gl.compileShader(shader);
        gl.attachShader(program, shader);
    }
    gl.bindAttribLocation(program, 0, "a_spot");
    gl.bindAttribLocation(program, 1, "a_what");
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(`points: ${gl.getProgramInfoLog(program)}`);
    return program;
}
