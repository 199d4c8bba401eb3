using System.Formats.Tar;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.Metadata;
using PyResolve.Cli.Migrations;
using PyResolve.Client.Wire;
using PyResolve.Server.Http;

namespace PyResolve.Server.Migrations;

/// <summary>What <c>POST /migrate</c> was sent, valid: JSON, or a tar archive with the rest in the query.</summary>
internal sealed record MigrationInput(string Library, string Target, string Tier, SortedDictionary<string, byte[]> Files)
    : IBindableFromHttpContext<MigrationInput>, IEndpointParameterMetadataProvider
{
    public const int MaxFiles = 2_000;
    public const int MaxTarget = 64;
    private const int MaxBody = 8 * 1024 * 1024;
    private const string Tar = "application/x-tar";

    public static async ValueTask<MigrationInput?> BindAsync(HttpContext context, ParameterInfo parameter) =>
        context.Request.ContentType is Tar
            ? await ReadTarAsync(context)
            : Validate(
                await JsonBody.ReadAsync(context, RequestJson.TypeOf<MigrateRequest>(), whenEmpty: null, MaxBody),
                static text => Encoding.UTF8.GetBytes(text));

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new AcceptsMetadata(["application/json", Tar], typeof(MigrateRequest)));

    /// <summary>Of all that was sent: the same key with other content is other work.</summary>
    public string Digest(string idempotencyKey)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in (string[])[idempotencyKey, Library, Target, Tier])
            Append(hash, Encoding.UTF8.GetBytes(part));
        foreach (var (path, content) in Files)
        {
            Append(hash, Encoding.UTF8.GetBytes(path));
            Append(hash, content);
        }

        return $"migrate-{Convert.ToHexStringLower(hash.GetHashAndReset())}";
    }

    private static void Append(IncrementalHash hash, byte[] part)
    {
        hash.AppendData(BitConverter.GetBytes(part.LongLength));
        hash.AppendData(part);
    }

    private static async Task<MigrationInput> ReadTarAsync(HttpContext http)
    {
        var bytes = await JsonBody.ReadBytesAsync(http.Request, http.RequestAborted, MaxBody);
        var files = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        try
        {
            await using var tar = new TarReader(new MemoryStream(bytes.ToArray()));
            while (await tar.GetNextEntryAsync(copyData: false, http.RequestAborted) is { } entry)
                await AddAsync(files, entry, http.RequestAborted);
        }
        catch (Exception exception) when (exception is FormatException or InvalidDataException or EndOfStreamException or IOException)
        {
            throw new ProblemException(Problems.Malformed("The body is not a well-formed tar archive."));
        }

        var query = http.Request.Query;
        return Validate(
            new MigrateRequest
            {
                Library = query["library"],
                Target = query["target"],
                Tier = query["tier"],
                Files = files.Keys.ToDictionary(path => path, path => path, StringComparer.Ordinal),
            },
            path => files[path]);
    }

    private static async Task AddAsync(Dictionary<string, byte[]> files, TarEntry entry, CancellationToken cancellationToken)
    {
        var path = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
        switch (entry.EntryType)
        {
            case TarEntryType.Directory or TarEntryType.GlobalExtendedAttributes:
                return;
            case TarEntryType.RegularFile or TarEntryType.V7RegularFile:
                using (var content = new MemoryStream())
                {
                    if (entry.DataStream is { } data)
                        await data.CopyToAsync(content, cancellationToken);
                    if (!files.TryAdd(path, content.ToArray()))
                        throw new ProblemException(Problems.Malformed($"The archive has {PlainText.Of(path)} twice."));
                }

                return;
            default:
                throw new ProblemException(Problems.Invalid(
                    "files", $"has {PlainText.Of(path)}, which is neither a file nor a folder. Leave links and devices out."));
        }
    }

    private static MigrationInput Validate(MigrateRequest request, Func<string, byte[]> read)
    {
        var errors = new FieldErrors();
        errors.Text("library", request.Library, FieldErrors.LongestLibrary, required: true);
        if (request.Library is { Length: > 0 and <= FieldErrors.LongestLibrary } library && FieldErrors.IsPlainText(library)
            && !PackageName.IsValid(library))
            errors.Add("library", "must be the name of a package: letters, digits, '.', '-' and '_'.");
        errors.Text("target", request.Target, MaxTarget, required: true);
        errors.Tier("tier", request.Tier, required: true);
        if (request.Files is not { } files)
        {
            errors.Add("files", ProblemTexts.IsRequired);
        }
        else if (files.Count is 0 or > MaxFiles)
        {
            errors.Add("files", $"must have 1 to {MaxFiles} files.");
        }
        else if (MigrationPaths.FindError(files.Keys) is { } error)
        {
            errors.Add("files", error);
        }
        else if (files.Any(static file => file.Value is null))
        {
            errors.Add("files", "has a file without content.");
        }

        errors.ThrowIfAny();
        var content = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var (path, text) in request.Files!)
            content[path] = read(text);
        return new MigrationInput(request.Library!, request.Target!, request.Tier!, content);
    }
}
