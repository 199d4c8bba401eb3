using System;
using System.IO;

namespace PyResolve.MSBuild;

/// <summary>The file that says which gate has passed. While it is the same, no worker is started.</summary>
internal sealed class GateStamp(string file)
{
    /// <summary>For how long the quota that a developer's build has shown is shown again instead of asked for.</summary>
    private static readonly TimeSpan QuotaAge = TimeSpan.FromMinutes(10);

    /// <param name="digest">Of everything that decides what the gate does.</param>
    /// <param name="isEnforced">What was charged stays charged. A quota that was only shown ages.</param>
    /// <returns>What to say again; <see langword="null"/> when the gate has to run.</returns>
    public string? FindPassed(string digest, bool isEnforced)
    {
        try
        {
            if (!File.Exists(file) || File.ReadAllLines(file) is not [var stored, var text] || stored != digest)
                return null;
            return isEnforced || IsYoung() ? GateLine.Split(text)[0] : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public void Write(string digest, string text)
    {
        try
        {
            if (Path.GetDirectoryName(file) is { Length: > 0 } folder)
                Directory.CreateDirectory(folder);
            File.WriteAllLines(file, [digest, GateLine.Join(text)]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next build asks again, which is not charged again.
        }
    }

    private bool IsYoung()
    {
#pragma warning disable RS0030 // MSBuild has no TimeProvider, and netstandard2.0 neither. Only the age of a shown quota depends on it.
        var age = DateTime.UtcNow - File.GetLastWriteTimeUtc(file);
#pragma warning restore RS0030
        return age >= TimeSpan.Zero && age < QuotaAge;
    }
}
