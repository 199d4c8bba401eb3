using System.Diagnostics;
using System.Text.Json;

namespace PyResolve.EndToEnd.Tests.Containers;

/// <summary>An image in a folder, as an engine lays it out, and its configuration.</summary>
internal sealed class UnpackedImage : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pyresolve-image-");

    private UnpackedImage()
    {
    }

    public JsonElement Config { get; private set; }

    public string Root => Path.Combine(_folder.FullName, "root");

    public string Data => Path.Combine(_folder.FullName, "data");

    public IReadOnlyList<string> Environment => [.. Config.GetProperty("Env").EnumerateArray().Select(static one => one.GetString()!)];

    private string Layout => Path.Combine(_folder.FullName, "layout");

    /// <summary>Root in a container may not mount.</summary>
    public static async Task<bool> CanRunAsync() => System.Environment.IsPrivilegedProcess
        && (await Command.RunAsync("unshare", ["--mount", "/bin/sh", "-c", "mount -t tmpfs tmpfs /mnt"])).ExitCode == 0;

    public static async Task<UnpackedImage> OfAsync(string archive)
    {
        var image = new UnpackedImage();
        foreach (var folder in (string[])[image.Root, image.Layout, image.Data])
            Directory.CreateDirectory(folder);
        (await Command.RunAsync("tar", ["-xf", archive, "-C", image.Layout])).OrThrow("tar");
        var index = image.ReadJson("index.json");
        var manifest = image.ReadBlob(index.GetProperty("manifests")[0].GetProperty("digest"));
        foreach (var layer in manifest.GetProperty("layers").EnumerateArray())
        {
            (await Command.RunAsync(
                "tar", ["-xpf", image.PathOf(layer.GetProperty("digest")), "-C", image.Root, "--same-owner"])).OrThrow("tar");
        }

        image.Config = image.ReadBlob(manifest.GetProperty("config").GetProperty("digest")).GetProperty("config");
        // As docs/containers.md asks of a volume for this image.
        (await Command.RunAsync("chown", [$"{BaseImage.User}", image.Data])).OrThrow("chown");
        return image;
    }

    /// <summary>With a root that cannot be written to, as the image's user. It ends with this process's own signals.</summary>
    public Process Run(IEnumerable<string> settings, params string[] arguments)
    {
        const string Script =
            """
            mkdir -p "$0/data"
            mount --bind "$0" "$0"
            mount --rbind /proc "$0/proc"
            mount --rbind /dev "$0/dev"
            mount -t tmpfs tmpfs "$0/tmp"
            mount --bind "$1" "$0/data"
            mount -o remount,bind,ro "$0"
            shift
            exec "$@"
            """;
        var entry = Config.GetProperty("Entrypoint").EnumerateArray().Select(static one => one.GetString()!);
        string[] command =
        [
            "/usr/bin/env", "-i", .. Environment, .. settings,
            "/usr/sbin/chroot", $"--userspec={Config.GetProperty("User").GetString()}:{BaseImage.User}", Root, .. entry, .. arguments,
        ];
        var process = Process.Start(new ProcessStartInfo("unshare", ["--mount", "/bin/sh", "-ec", Script, Root, Data, .. command])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        process.BeginOutputReadLine();
        return process;
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private JsonElement ReadBlob(JsonElement digest) => ReadJson(PathOf(digest));

    private string PathOf(JsonElement digest) => Path.Combine(Layout, "blobs", digest.GetString()!.Replace(':', '/'));

    private JsonElement ReadJson(string file) => JsonDocument.Parse(File.ReadAllText(Path.Combine(Layout, file))).RootElement;
}
