using System.Text;
using System.Text.Json;
using PyResolve.Cli.Base;
using PyResolve.Cli.Output;
using PyResolve.Client.Wire;
using PyResolve.Migrators.Protocol;

namespace PyResolve.Cli.Migrations;

/// <summary>
/// The files that an upgrade on the server needs: Python code and what declares its dependencies, or what <c>--include</c> names. What
/// else is in a project, such as its data and <c>.env</c>, stays where it is.
/// </summary>
internal sealed class RemoteProject
{
    private const int NamedFiles = 5;
    private const string Fewer = "Upgrade a part at a time: --path src/api, for example, or leave some out: --exclude tests";

    private static readonly string[] Sources = ["*.py", "*.pyi", "pyproject.toml", "setup.cfg", "requirements*.txt"];
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private static readonly EnumerationOptions OneLevel = new() { AttributesToSkip = FileAttributes.ReparsePoint };

    private readonly Dictionary<string, byte[]> _content = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _texts = new(StringComparer.Ordinal);
    private readonly List<string> _leftOut = [];
    private readonly UpgradeRequest _request;
    private readonly FileSelection _selection;
    private long _bytes;

    private RemoteProject(UpgradeRequest request)
    {
        _request = request;
        _selection = FileSelection.Create(
            request.Selection.Include.Count > 0 ? request.Selection.Include : Sources, request.Selection.Exclude);
    }

    /// <summary>The folder that names are relative to.</summary>
    public string Root => _request.Root;

    public int Count => _content.Count;

    /// <exception cref="OperationCanceledException">A signal asked to stop.</exception>
    /// <exception cref="CliException">There is nothing to send, or more than the server takes.</exception>
    public static RemoteProject Read(UpgradeOutput output, UpgradeRequest request, CancellationToken cancellationToken)
    {
        var project = new RemoteProject(request);
        output.Progress.Start("Reading");
        try
        {
            if (request.IsFolder)
                project.Add(project.Root, "", output, cancellationToken);
            else
                project.AddFile(request.FullPath, Path.GetFileName(request.FullPath));
        }
        finally
        {
            output.Progress.Stop();
        }

        foreach (var file in project._leftOut.Take(NamedFiles))
            output.Warning($"Not sent: {file}");
        if (project._leftOut.Count > NamedFiles)
            output.Warning($"Not sent: {project._leftOut.Count - NamedFiles} more");
        return project.Count > 0
            ? project
            : throw CliException.Usage(
                $"There is no file to send in {request.Path}.", "Name another folder by --path, or files by --include.");
    }

    /// <exception cref="CliException">It is larger than the server takes.</exception>
    public MigrateRequest Describe()
    {
        var request = new MigrateRequest
        {
            Library = PackageName.Normalize(_request.Library),
            Target = _request.Target,
            Tier = QuotaText.NameOf(_request.Tier),
            Files = _texts,
        };
        return JsonSerializer.SerializeToUtf8Bytes(request, WireJson.Requests.MigrateRequest).Length <= MigrateLimits.LargestBody
            ? request
            : throw TooLarge(_request);
    }

    /// <summary>The content that was sent; <see langword="null"/> for a file that was not.</summary>
    public byte[]? Find(string name) => _content.GetValueOrDefault(name);

    public static CliException TooLarge(UpgradeRequest request) => CliException.Usage(
        $"The files in {request.Path} are larger than the 8 MiB that the server takes at a time.", Fewer);

    private void Add(string folder, string prefix, UpgradeOutput output, CancellationToken cancellationToken)
    {
        foreach (var file in Directory.GetFiles(folder, "*", OneLevel))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var name = prefix + Path.GetFileName(file);
            if (!FolderSnapshot.IsGenerated(file) && _selection.Contains(name))
                AddFile(file, name);
        }

        output.Progress.Report(Count);
        foreach (var child in Directory.GetDirectories(folder, "*", OneLevel))
        {
            if (!ToolFolders.Contains(child))
                Add(child, $"{prefix}{Path.GetFileName(child)}/", output, cancellationToken);
        }
    }

    private void AddFile(string path, string name)
    {
        if (new FileInfo(path).LinkTarget is not null)
        {
            _leftOut.Add($"{PlainText.Of(name)} (it is a symbolic link)");
            return;
        }

        try
        {
            // Length 0: empty, or not a regular file, such as a pipe, which would block when opened.
            var content = new FileInfo(path).Length == 0 ? [] : File.ReadAllBytes(path);
            _texts[name] = StrictUtf8.GetString(content);
            _content[name] = content;
            _bytes += content.Length;
        }
        catch (DecoderFallbackException)
        {
            _leftOut.Add($"{PlainText.Of(name)} (it is not UTF-8)");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _leftOut.Add($"{PlainText.Of(name)} ({FolderSnapshot.Describe(e)})");
        }

        if (Count > MigrateLimits.MaxFiles)
        {
            throw CliException.Usage(
                $"{_request.Path} has more than the {QuotaText.FormatNumber(MigrateLimits.MaxFiles)} files that the server takes "
                + "at a time.",
                Fewer);
        }
        if (_bytes > MigrateLimits.LargestBody)
            throw TooLarge(_request);
    }
}
