// Which fragments of a crown are gaps between leaves: the same answer in every pass, so that the
// label map has the same ragged outline as the picture.

uniform sampler2D noise;
uniform vec3 eye;

const int LEAVES = 8;

// where on the noise tile a point of foliage lies, in metres: flat on the side it faces
vec2 foliage(vec3 world, vec3 n) {
    vec3 a = abs(n);
    if (a.z > max(a.x, a.y)) return world.xy;
    return a.x > a.y ? world.yz : world.xz;
}

bool is_gap(vec3 world, vec3 world_normal, float scale) {
    float leaf = textureLod(noise, foliage(world, world_normal) / scale / 6.0, 0.0).g;
    float rim = 1.0 - abs(dot(normalize(world_normal), normalize(eye - world)));
    return rim > 0.55 + 0.9 * (leaf - 0.3);
}
