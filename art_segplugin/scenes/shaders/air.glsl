// Sky, haze and the film curve: shared by the solids (mirrored sky, distance) and the background.

uniform vec3 zenith;
uniform vec3 horizon;
uniform vec3 sun_direction;
uniform vec3 sun_light;
uniform vec3 sky_light;
uniform vec3 gain;
uniform float clouds;
uniform float cloud_shift;
uniform float fog;

vec3 haze(vec3 direction) {
    float towards = max(dot(normalize(direction.xy), normalize(sun_direction.xy)), 0.0);
    return horizon + sun_light * 0.12 * pow(towards, 6.0);
}

vec3 sky_gradient(vec3 direction) {
    float up = max(direction.z, 0.0);
    return mix(haze(direction), zenith, 1.0 - exp(-4.0 * up));
}

vec3 sky(vec3 direction) {
    vec3 colour = sky_gradient(direction);
    float up = max(direction.z, 0.02);
    vec2 at = direction.xy / (up + 0.15) * 0.07 + cloud_shift;
    float heap = texture(noise, at).r + 0.35 * (texture(noise, at * 3.7).r - 0.5);
    float cover = smoothstep(0.0, 0.3, heap - 0.9 + 0.9 * clouds) * smoothstep(0.0, 0.15, up);
    float thick = smoothstep(0.0, 0.8, heap - 0.9 + 0.9 * clouds);
    vec3 cloud = (sky_light * 0.75 + sun_light * 0.28) * (1.0 - 0.45 * thick);
    colour = mix(colour, cloud, cover * 0.9);
    float glow = max(dot(direction, sun_direction), 0.0);
    return colour + sun_light * (0.25 * pow(glow, 24.0) + 5.0 * smoothstep(0.9997, 0.9999, glow)) *
        (1.0 - cover);
}

vec3 film(vec3 light) {
    vec3 x = light * gain;
    x = (x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14);
    return sqrt(clamp(x, 0.0, 1.0));
}
