using System.Net;
using System.Security.Cryptography;

namespace PyResolve.Cli.Tests.Infrastructure;

/// <summary>A release on loopback, with the archive of the program under test for this machine, and its checksum.</summary>
internal sealed class ReleaseServer : IDisposable
{
    // Packing takes seconds, so all tests share the archive.
    private static readonly Lazy<Task<byte[]>> Packed = new(PackAsync);

    private readonly HttpListener _listener = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pyresolve-release-");
    private readonly Task _serving;

    private ReleaseServer()
    {
        while (true)
        {
            Releases = $"http://127.0.0.1:{Random.Shared.Next(20_000, 32_000)}/releases";
            try
            {
                _listener.Prefixes.Add($"{Releases}/");
                _listener.Start();
                break;
            }
            catch (HttpListenerException)
            {
                // The port is taken.
                _listener.Prefixes.Clear();
            }
        }
        _serving = ServeAsync();
    }

    public static string Root { get; } = FindRoot();

    /// <summary>What <c>PYRESOLVE_RELEASES</c> is to be.</summary>
    public string Releases { get; }

    public string Archive => Path.Combine(_folder.FullName, "pyresolve-linux-x64.tar.gz");

    public string Checksums => Path.Combine(_folder.FullName, "SHA256SUMS");

    public static async Task<ReleaseServer> StartAsync()
    {
        var server = new ReleaseServer();
        await File.WriteAllBytesAsync(server.Archive, await Packed.Value);
        await server.WriteChecksumsAsync();
        return server;
    }

    public async Task WriteChecksumsAsync()
    {
        var sum = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(Archive)));
        await File.WriteAllTextAsync(Checksums, $"{new string('0', 64)}  pyresolve-osx-arm64.tar.gz\n{sum}  {Path.GetFileName(Archive)}\n");
    }

    public void Dispose()
    {
        _listener.Close();
        _serving.Wait();
        _folder.Delete(recursive: true);
    }

    private static async Task<byte[]> PackAsync()
    {
        var folder = Directory.CreateTempSubdirectory("pyresolve-pack-");
        try
        {
            var program = Path.Combine(folder.FullName, "program");
            await CliDriver.CopyProgramAsync(program);
            (await Command.RunAsync("python3", [Path.Combine(Root, ".ci/archive"), program, "linux-x64", folder.FullName]))
                .OrThrow(".ci/archive");
            return await File.ReadAllBytesAsync(Path.Combine(folder.FullName, "pyresolve-linux-x64.tar.gz"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "PyResolve.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("These tests run in a folder of the repository.");
        return folder;
    }

    /// <summary>The same files as the latest release and as version 1.2.3.</summary>
    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            var path = context.Request.Url!.AbsolutePath;
            var file = Path.Combine(_folder.FullName, Path.GetFileName(path));
            var isKnown = path.StartsWith("/releases/latest/download/", StringComparison.Ordinal)
                || path.StartsWith("/releases/download/v1.2.3/", StringComparison.Ordinal);
            if (isKnown && File.Exists(file))
                await context.Response.OutputStream.WriteAsync(await File.ReadAllBytesAsync(file));
            else
                context.Response.StatusCode = 404;
            context.Response.Close();
        }
    }
}
