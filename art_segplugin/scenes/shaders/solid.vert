#version 330
// Places one unit solid of an instance in the world; shared by all passes.

uniform mat4 projection;
uniform int shape;  // 0 block, 1 cylinder, 2 ellipsoid

in vec3 vertex;
in vec3 normal;
in vec4 centre_yaw;
in vec4 half_strength;
in vec4 colour_scale;
in vec4 taper_seed_gloss;
in int number;

out vec3 world;
out vec3 world_normal;
out vec3 local;
out vec3 local_normal;
flat out vec3 half_size;
flat out vec3 paint;
flat out vec4 look;  // strength, scale, seed, gloss
flat out int solid;

void main() {
    vec3 extent = half_strength.xyz;
    vec3 point = vertex;
    vec3 gradient = normal;
    if (shape < 2) {
        vec2 taper = taper_seed_gloss.xy;
        point.xy *= mix(vec2(1.0), taper, 0.5 + 0.5 * vertex.z);
        gradient.z += 0.5 * dot(normal.xy * normal.xy, 1.0 - taper);  // leaning sides look up
    }
    local = point * extent;
    local_normal = gradient / extent;
    float c = cos(centre_yaw.w), s = sin(centre_yaw.w);
    mat3 turn = mat3(c, s, 0.0, -s, c, 0.0, 0.0, 0.0, 1.0);
    world = turn * local + centre_yaw.xyz;
    world_normal = turn * normalize(local_normal);
    half_size = extent;
    paint = colour_scale.rgb * colour_scale.rgb;  // sRGB to linear, nearly
    look = vec4(half_strength.w, colour_scale.w, taper_seed_gloss.zw);
    solid = number;
    gl_Position = projection * vec4(world, 1.0);
}
