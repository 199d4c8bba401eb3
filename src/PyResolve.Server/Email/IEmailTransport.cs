namespace PyResolve.Server.Email;

/// <summary>Where emails leave the process.</summary>
internal interface IEmailTransport
{
    /// <exception cref="EmailDeliveryException">The email was not taken.</exception>
    Task SendAsync(EmailMessage email, CancellationToken cancellationToken);
}

/// <summary>Writes an email just before it is sent.</summary>
/// <returns><see langword="null"/> where there is nobody to send it to, or no reason any more.</returns>
internal delegate Task<EmailMessage?> ComposeEmail(DueEmail due, CancellationToken cancellationToken);

/// <summary>An email was not taken. The message says why, without the email's content or address.</summary>
/// <param name="reason">What the operator can act on.</param>
/// <param name="isPermanent">Whether trying again is pointless.</param>
internal sealed class EmailDeliveryException(string reason, bool isPermanent, Exception? cause = null) : Exception(reason, cause)
{
    public bool IsPermanent => isPermanent;
}
