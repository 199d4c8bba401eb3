namespace PyResolve.Server.Doctor;

internal enum FindingState
{
    Good,

    /// <summary>It works, and somebody should look.</summary>
    Look,

    Bad,
}

/// <summary><c>Fix</c>: what to do; null where nothing is to be done, or the text says it.</summary>
internal sealed record Finding(string About, FindingState State, string Text, string? Fix = null);
