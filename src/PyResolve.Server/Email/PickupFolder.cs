using MimeKit;

namespace PyResolve.Server.Email;

/// <summary>Lays emails into a folder as <c>.eml</c> files, which every mail program opens: for development, or for another program to send.</summary>
internal sealed class PickupFolder(string folder, MailboxAddress from, TimeProvider time) : IEmailTransport
{
    public async Task SendAsync(EmailMessage email, CancellationToken cancellationToken)
    {
        using var message = email.ToMime(from, time);
        var file = Path.Combine(folder, $"{Guid.CreateVersion7(time.GetUtcNow())}.eml");
        var unfinished = file + ".tmp";
        try
        {
            CreateFolder();
            await using (var stream = new FileStream(unfinished, ForOwnerOnly()))
                await message.WriteToAsync(stream, cancellationToken);
            File.Move(unfinished, file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new EmailDeliveryException($"the folder {folder} cannot be written to: {exception.Message}", isPermanent: false, exception);
        }
    }

    /// <summary>An email's link is as good as a password until it is used.</summary>
    private static FileStreamOptions ForOwnerOnly()
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Options = FileOptions.Asynchronous };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return options;
    }

    private void CreateFolder()
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(folder);
        else
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
