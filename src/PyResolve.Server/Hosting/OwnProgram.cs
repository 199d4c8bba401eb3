namespace PyResolve.Server.Hosting;

/// <summary>How this program is started again.</summary>
internal static class OwnProgram
{
    private const string Assembly = "PyResolve.Server.dll";

    /// <summary>The program itself: as it is built, and as it is in the archive.</summary>
    private static readonly string[] Names = ["PyResolve.Server", "pyresolve-server"];

    /// <summary>As people call it: the archive has it under another name than a build.</summary>
    public static string Name { get; } = NameOf(Environment.ProcessPath) ?? Names[0];

    /// <param name="findDotNet">
    /// Where <c>dotnet</c> is, where this process is neither it nor the program: one that hosts the server, such as a test.
    /// </param>
    public static IReadOnlyList<string> GetWords(Func<string?> findDotNet)
    {
        var program = Environment.ProcessPath ?? "dotnet";
        if (NameOf(program) is not null)
            return [program];
        var host = FileName(program) == "dotnet" ? program : findDotNet() ?? "dotnet";
        return [host, Path.Combine(AppContext.BaseDirectory, Assembly)];
    }

    /// <returns>null: the process is <c>dotnet</c>, or one that hosts the server.</returns>
    internal static string? NameOf(string? program) =>
        program is not null && FileName(program) is var name && Names.Contains(name, StringComparer.Ordinal) ? name : null;

    private static string FileName(string program) =>
        Path.GetFileNameWithoutExtension(program + (OperatingSystem.IsWindows() ? "" : ".exe"));
}
