using System.ComponentModel;
using System.Diagnostics;

namespace PyResolve.Cli.Commands;

internal static class Browser
{
    /// <summary>Opens a page where there is a desktop. False where there is none, or no browser: then the address is to be shown.</summary>
    public static bool TryOpen(string page)
    {
        // The address comes from a server. Other schemes would run programs.
        var start = Uri.TryCreate(page, UriKind.Absolute, out var url) && url.Scheme is "https" or "http" ? Find(url.AbsoluteUri) : null;
        if (start is null)
            return false;
        try
        {
            using var process = Process.Start(start);
            return process is not null;
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException or IOException)
        {
            return false;
        }
    }

    /// <summary>$BROWSER first, which names a program or a list of them; <c>none</c> and an empty value turn this off.</summary>
    private static ProcessStartInfo? Find(string address)
    {
        if (Environment.GetEnvironmentVariable("BROWSER") is { } chosen)
            return chosen.Split(Path.PathSeparator)[0] is { Length: > 0 } program and not "none" ? Quietly(program, address) : null;
        if (OperatingSystem.IsWindows())
            return new ProcessStartInfo(address) { UseShellExecute = true };
        if (OperatingSystem.IsMacOS())
            return Quietly("open", address);
        var hasDesktop = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("DISPLAY"))
            || !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("WAYLAND_DISPLAY"));
        return hasDesktop ? Quietly("xdg-open", address) : null;
    }

    /// <summary>What a browser prints is not part of this program's output.</summary>
    private static ProcessStartInfo Quietly(string program, string address) =>
        new(program, [address]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
}
