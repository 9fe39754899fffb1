in vec3 world;
in vec3 world_normal;
in vec3 local;
in vec3 local_normal;
flat in vec3 half_size;
flat in vec3 paint;
flat in vec4 look;

uniform mat4 shadow_projection;
uniform sampler2DShadow shadow_map;
uniform sampler2D contact_map;
uniform vec4 contact_window;  // x, y of the corner, then 1 / size

out vec4 colour;

float sunlight(float facing) {
    vec3 at = (shadow_projection * vec4(world, 1.0)).xyz * 0.5 + 0.5;
    if (facing <= 0.0) return 0.0;
    if (any(lessThan(at, vec3(0.0))) || any(greaterThan(at, vec3(1.0)))) return facing;
    return facing * texture(shadow_map, at);
}

void main() {
    if (KIND == LEAVES && is_gap(world, world_normal, look.y)) discard;
    vec3 n = normalize(world_normal);
    vec3 view = world - eye;
    float distance = length(view);
    view /= distance;

    Surface s = material(paint, local, local_normal, world, n, half_size, look);
    n = normalize(n + s.bump * vec3(0.4, -0.4, 0.5));

    float hidden = texture(contact_map, (world.xy - contact_window.xy) * contact_window.zw).r;
    float open = 1.0 - 0.75 * hidden * exp(-max(world.z, 0.0) / 0.7);
    float facing = max(dot(n, sun_direction), 0.0);
    vec3 light = sun_light * sunlight(facing) + sky_light * mix(0.4, 1.0, 0.5 + 0.5 * n.z) * open;
    light += 0.16 * sun_light * (0.5 - 0.5 * n.z) * open;  // from the lit ground
    vec3 shade = s.albedo * light + s.glow;

    float grazing = pow(1.0 - max(dot(n, -view), 0.0), 4.0);
    float mirror = s.gloss * (0.12 + 0.88 * grazing);
    vec3 seen = reflect(view, n);
    vec3 mirrored = mix(0.22 * sky_light * vec3(0.9, 0.95, 1.0), sky_gradient(seen), smoothstep(-0.05, 0.12, seen.z));
    float glint = pow(max(dot(seen, sun_direction), 0.0), 60.0) * (facing > 0.0 ? 1.0 : 0.0);
    shade = mix(shade, mirrored, mirror) + s.gloss * 1.2 * glint * sun_light * 0.5;

    float clear = exp(-fog * distance);
    colour = vec4(film(mix(haze(view), shade, clear)), 1.0);
}
