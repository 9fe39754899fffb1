// What a surface is made of: pattern, gloss and glow for each texture of primitives.Texture.
// KIND is a constant of the program: software OpenGL runs every branch it cannot drop.

const int ASPHALT = 1, PAVING = 2, GRASS = 3, BRICK = 4, FACADE = 5, BRICK_FACADE = 6, FOLIAGE = 7,
          TILES = 9, PAINT = 10, GLASS = 11, LAMP = 12, STRIPES = 13, CHECKER = 14;

uniform float wetness;
uniform float night;

struct Surface {
    vec3 albedo;
    vec3 glow;
    float gloss;
    float bump;  // how far leaves turn the normal
};

float hash(vec2 cell) {
    return fract(sin(dot(cell, vec2(12.9898, 78.233))) * 43758.5453);
}

// share of a pixel of width `w` around `x` that lies between `low` and `high`
float between(float x, float low, float high, float w) {
    return clamp((x - low) / w + 0.5, 0.0, 1.0) * clamp((high - x) / w + 0.5, 0.0, 1.0);
}

float joints(vec2 at, vec2 width, float thickness) {
    vec2 part = fract(at);
    vec2 line = clamp((thickness - min(part, 1.0 - part)) / max(width, 0.02) + 0.5, 0.0, 1.0);
    return max(line.x, line.y) * (1.0 - smoothstep(0.3, 0.8, max(width.x, width.y)));
}

void masonry(inout Surface s, vec2 at, vec2 width, float strength) {
    float row = floor(at.y);
    vec2 shifted = vec2(at.x + 0.5 * mod(row, 2.0), at.y);
    float fine = 1.0 - smoothstep(0.3, 0.8, max(width.x, width.y));
    s.albedo *= 1.0 + strength * 0.5 * (hash(vec2(floor(shifted.x), row)) - 0.5) * fine;
    s.albedo = mix(s.albedo, vec3(0.45), strength * 0.45 * joints(shifted, width, 0.06));
}

void windows(inout Surface s, vec2 at, vec2 size, vec2 cells, vec2 width, float seed, float strength) {
    vec2 id = floor(at), part = fract(at);
    bool ground = id.y < 0.5;
    bool shop = ground && seed > 0.45;
    float half_width = shop ? 0.44 : 0.2 + 0.14 * fract(seed * 7.3);
    float low = shop ? 0.1 : 0.28 - 0.12 * fract(seed * 3.7);
    float high = shop ? 0.78 : 0.84;
    float own = hash(id + 91.7 * seed);
    if (ground && !shop && own > 0.75) low = 0.0;  // a door
    float pane = between(part.x, 0.5 - half_width, 0.5 + half_width, width.x) *
                 between(part.y, low, high, width.y);
    vec2 rim = vec2(0.12, 0.15) / cells;
    float frame = between(part.x, 0.5 - half_width - rim.x, 0.5 + half_width + rim.x, width.x) *
                  between(part.y, low - rim.y, high + rim.y, width.y) - pane;
    float bars = shop ? 0.0 : between(part.x, 0.5 - 0.25 * rim.x, 0.5 + 0.25 * rim.x, width.x);
    float far = smoothstep(0.35, 0.9, max(width.x, width.y));
    pane = mix(pane, 1.3 * half_width * (high - low), far);
    vec3 trim = mix(vec3(0.75), s.albedo * 0.45, step(0.6, fract(seed * 5.1)));
    s.albedo = mix(s.albedo, trim, strength * frame * (1.0 - far) * 0.9);
    float drapes = step(0.62, own) * step(0.35 + 0.4 * fract(own * 17.0), (part.y - low) / (high - low));
    float recess = smoothstep(high, high - 0.12, part.y);
    vec3 inside = mix(vec3(0.02, 0.025, 0.03), vec3(0.32, 0.3, 0.26), drapes * (1.0 - far)) * recess;
    inside = mix(inside, trim, bars * (1.0 - far));
    s.albedo = mix(s.albedo, inside, strength * pane);
    s.gloss = mix(s.gloss, 0.75, strength * pane * (0.6 + 0.4 * recess));
    float lit = night * step(shop ? 0.4 : 0.7, fract(own * 31.0)) * pane;
    s.glow += strength * lit * mix(vec3(1.0, 0.55, 0.2), vec3(0.9, 0.8, 0.5), fract(own * 5.0)) *
        (0.15 + 0.35 * fract(own * 13.0));
}

Surface material(vec3 albedo, vec3 at, vec3 n, vec3 world, vec3 world_normal, vec3 extent, vec4 look) {
    float strength = look.x, scale = look.y, seed = look.z;
    Surface s = Surface(albedo, vec3(0.0), look.w, 0.0);
    vec3 a = abs(n);
    bool top = a.z > 0.7 * length(a);
    vec2 wall = a.x * extent.x > a.y * extent.y ? vec2(at.y, extent.y) : vec2(at.x, extent.x);
    vec2 uv = top ? at.xy : vec2(wall.x, at.z);
    vec2 skewed = world.xy + world.z * vec2(0.73, -0.61) + seed * 37.0;
    vec2 stain = texture(noise, (top ? world.xy : skewed) / 23.0 + seed).rg - 0.5;
    vec2 width = max(fwidth(uv), 1e-4);

    if (KIND == ASPHALT) {
        float grain = texture(noise, world.xy / 1.1).g - 0.5;
        float patches = smoothstep(0.78, 0.8, texture(noise, floor(world.xy / vec2(2.6, 1.5)) / 41.3).g);
        float tracks = texture(noise, vec2(world.x / 90.0, world.y / 7.0)).r - 0.5;
        s.albedo *= 1.0 + strength * (0.8 * stain.r + 0.5 * grain + 0.5 * tracks - 0.2 * patches);
        float puddles = smoothstep(0.1, 0.3, stain.r + 0.25 * wetness);
        s.albedo *= 1.0 - 0.45 * wetness;
        s.gloss = wetness * (0.15 + 0.55 * puddles);
    } else if (KIND == PAVING) {
        vec2 cell = (top ? world.xy : uv) / scale;
        float fine = 1.0 - smoothstep(0.3, 0.8, max(width.x, width.y) / scale);
        s.albedo *= 1.0 + strength * (0.5 * stain.r + 0.22 * (hash(floor(cell)) - 0.5) * fine);
        s.albedo *= 1.0 - strength * 0.4 * joints(cell, width / scale, 0.04);
        s.gloss = 0.25 * wetness;
        s.albedo *= 1.0 - 0.3 * wetness;
    } else if (KIND == GRASS) {
        float blades = texture(noise, skewed / 0.9).g - 0.5;
        float dry = smoothstep(-0.1, 0.4, stain.r);
        s.albedo = mix(s.albedo, vec3(0.24, 0.2, 0.1), 0.5 * strength * dry);
        s.albedo *= 1.0 + strength * (0.9 * blades + 0.6 * stain.g);
    } else if (KIND == BRICK) {
        masonry(s, uv / scale * vec2(1.0, 2.6), width / scale * vec2(1.0, 2.6), strength);
        s.albedo *= 1.0 + strength * 0.5 * stain.r;
    } else if (KIND == FACADE || KIND == BRICK_FACADE) {
        s.albedo *= 1.0 + 0.35 * stain.r + 0.1 * stain.g;
        if (!top) {
            float above = at.z + extent.z;
            if (KIND == BRICK_FACADE)
                masonry(s, vec2(uv.x, above) / vec2(0.5, 0.16), width / vec2(0.5, 0.16), strength);
            vec2 count = max(floor(vec2(2.0 * wall.y / scale, 2.0 * extent.z / 3.1)), 1.0);
            vec2 cells = vec2(2.0 * wall.y, 2.0 * extent.z) / count;
            vec2 cell = vec2(uv.x + wall.y, above) / cells;
            float ledge = between(fract(cell.y), 0.0, 0.05, width.y / cells.y) * step(0.5, cell.y);
            s.albedo *= 1.0 + 0.3 * ledge * step(0.4, fract(seed * 11.0));
            if (cell.y < 1.0) s.albedo *= mix(0.75, 1.1, fract(seed * 2.9));
            windows(s, cell, vec2(wall.y, extent.z), cells, width / cells, seed, strength);
            s.albedo *= 1.0 - 0.25 * exp(-above / 0.5);
        }
    } else if (KIND == FOLIAGE || KIND == LEAVES) {
        vec2 spot = foliage(world, world_normal) / scale;
        float leaf = texture(noise, spot / 6.0).g - 0.5;
        float clump = texture(noise, spot / 19.0 + seed).g - 0.5;
        s.albedo *= 1.0 + strength * (1.7 * leaf + 1.1 * clump);
        s.albedo *= mix(vec3(1.0), vec3(1.12, 1.0, 0.75), strength * step(0.05, leaf));
        s.bump = strength * (2.0 * leaf + 2.0 * clump);
    } else if (KIND == TILES) {
        vec2 cell = uv / (scale * vec2(1.0, 0.7));
        float fine = 1.0 - smoothstep(0.25, 0.7, max(width.x, width.y) / scale);
        s.albedo *= 1.0 + strength * (0.3 * (hash(floor(cell)) - 0.5) * fine + 0.5 * stain.r);
        s.albedo *= 1.0 - strength * 0.5 * fine * smoothstep(0.25, 0.0, fract(cell.y));
    } else if (KIND == PAINT) {
        float grain = texture(noise, world.xy / 1.3).g + 0.6 * stain.r;
        float worn = smoothstep(0.45, 0.75, grain * (0.6 + 0.8 * strength));
        s.albedo = mix(s.albedo, vec3(0.09), strength * worn);
        s.gloss = 0.4 * wetness;
    } else if (KIND == LAMP) {
        s.glow = albedo * (0.25 + 2.5 * night) * strength;
    } else if (KIND == STRIPES) {
        float bar = between(fract(uv.y / scale), 0.0, 0.5, width.y / scale);
        s.albedo = mix(s.albedo, vec3(0.8), strength * bar);
    } else if (KIND == CHECKER) {
        vec2 cell = floor(uv / scale);
        s.albedo = mix(s.albedo, vec3(0.8), strength * mod(cell.x + cell.y, 2.0));
    }
    s.albedo = clamp(s.albedo, 0.0, 1.0);
    return s;
}
