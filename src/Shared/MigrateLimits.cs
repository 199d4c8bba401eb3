namespace PyResolve;

/// <summary>What <c>POST /migrate</c> takes at a time. Compiled into the server, PyResolve.Testing and the command line.</summary>
internal static class MigrateLimits
{
    /// <summary>In bytes.</summary>
    public const int LargestBody = 8 * 1024 * 1024;

    public const int MaxFiles = 2_000;
}
