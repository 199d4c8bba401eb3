namespace PyResolve.Server.Hosting;

/// <summary>How this program is started again.</summary>
internal static class OwnProgram
{
    private const string Assembly = "PyResolve.Server.dll";

    /// <summary>The program itself: as it is built, and as it is in the archive.</summary>
    private static readonly string[] Names = ["PyResolve.Server", "pyresolve-server"];

    /// <param name="findDotNet">
    /// Where <c>dotnet</c> is, where this process is neither it nor the program: one that hosts the server, such as a test.
    /// </param>
    public static IReadOnlyList<string> GetWords(Func<string?> findDotNet)
    {
        var program = Environment.ProcessPath ?? "dotnet";
        var name = Path.GetFileNameWithoutExtension(program + (OperatingSystem.IsWindows() ? "" : ".exe"));
        if (Names.Contains(name, StringComparer.Ordinal))
            return [program];
        var host = name == "dotnet" ? program : findDotNet() ?? "dotnet";
        return [host, Path.Combine(AppContext.BaseDirectory, Assembly)];
    }
}
