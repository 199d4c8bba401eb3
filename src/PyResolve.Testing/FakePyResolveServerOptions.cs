namespace PyResolve.Testing;

/// <summary>Options of <see cref="FakePyResolveServer.Start"/>.</summary>
public sealed class FakePyResolveServerOptions
{
    /// <summary>The first time of <see cref="FakePyResolveServer.Clock"/>. Default: the system's time.</summary>
    public DateTimeOffset? StartAt { get; set; }

    /// <summary>Whether to listen on a free port of 127.0.0.1 too, for tools that run as separate processes. Default
    /// <see langword="false"/>: only within this process, without a socket.</summary>
    public bool ListenOnLoopback { get; set; }
}
