namespace PyResolve.EndToEnd.Tests;

/// <summary>The clone that these tests were built in.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static string PathOf(string relative) => Path.Combine(Root, relative);

    private static string Find()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "PyResolve.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("These tests run in a folder of the repository.");
        return folder;
    }
}
