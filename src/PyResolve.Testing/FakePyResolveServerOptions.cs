namespace PyResolve.Testing;

/// <summary>How <see cref="FakePyResolveServer.Start"/> starts.</summary>
public sealed class FakePyResolveServerOptions
{
    /// <summary>What <see cref="FakePyResolveServer.Clock"/> says at first. Default: the present.</summary>
    public DateTimeOffset? StartAt { get; set; }

    /// <summary>Whether to listen on a free port of 127.0.0.1 too, for tools that run as processes of their own. Default: in this process alone, without a socket.</summary>
    public bool ListenOnLoopback { get; set; }
}
