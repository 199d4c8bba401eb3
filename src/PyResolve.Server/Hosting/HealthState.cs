namespace PyResolve.Server.Hosting;

internal enum HealthState
{
    Good,

    /// <summary>It works, and somebody should look.</summary>
    Look,

    Bad,
}
