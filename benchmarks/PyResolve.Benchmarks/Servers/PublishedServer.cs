using PyResolve.Benchmarks.Load;
using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Servers;

/// <summary>
/// The product as it ships: the output of <c>dotnet publish</c>, which is compiled ahead of time, unlike that of a build.
/// </summary>
internal sealed class PublishedServer : IDisposable
{
    private readonly DirectoryInfo? _temporary;

    private PublishedServer(string folder, DirectoryInfo? temporary)
    {
        Assembly = Path.Combine(folder, "PyResolve.Server.dll");
        _temporary = temporary;
    }

    private PublishedServer(DirectoryInfo temporary)
        : this(temporary.FullName, temporary)
    {
    }

    public string Assembly { get; }

    /// <param name="folder">A published server; <see langword="null"/>: publishes one, in about a minute, and deletes it at the
    /// end.</param>
    /// <param name="cancellationToken">Cancels the publishing.</param>
    public static async Task<PublishedServer> InAsync(DirectoryInfo? folder, CancellationToken cancellationToken)
    {
        if (folder is not null)
            return new PublishedServer(folder.FullName, temporary: null);
        await Console.Error.WriteLineAsync("Publishing the server …");
        var published = new PublishedServer(Directory.CreateTempSubdirectory("pyresolve-published-"));
        try
        {
            // Beside the folder of the build that this program is part of.
            var project = Path.GetFullPath(
                Path.Combine(Path.GetDirectoryName(ServerProcess.Assembly)!, "../../../PyResolve.Server.csproj"));
            var made = await Command.RunAsync(
                "dotnet",
                ["publish", project, "-v", "q", "--nologo", "-o", published._temporary!.FullName],
                new Dictionary<string, string?> { [LoadGenerator.InlineCompletions] = null },
                cancellationToken: cancellationToken);
            made.OrThrow("dotnet publish");
            return published;
        }
        catch
        {
            published.Dispose();
            throw;
        }
    }

    public void Dispose() => _temporary?.Delete(recursive: true);
}
