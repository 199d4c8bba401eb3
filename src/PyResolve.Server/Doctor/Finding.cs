using PyResolve.Server.Hosting;

namespace PyResolve.Server.Doctor;

/// <summary><c>Fix</c>: what to do; null where nothing is to be done, or the text says it.</summary>
internal sealed record Finding(string About, HealthState State, string Text, string? Fix = null);
