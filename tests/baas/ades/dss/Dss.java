import eu.europa.esig.dss.alert.SilentOnStatusAlert;
import eu.europa.esig.dss.cades.CAdESSignatureParameters;
import eu.europa.esig.dss.cades.signature.CAdESService;
import eu.europa.esig.dss.enumerations.DigestAlgorithm;
import eu.europa.esig.dss.enumerations.SignatureAlgorithm;
import eu.europa.esig.dss.enumerations.SignatureLevel;
import eu.europa.esig.dss.enumerations.SignaturePackaging;
import eu.europa.esig.dss.jaxb.object.Message;
import eu.europa.esig.dss.model.DSSDocument;
import eu.europa.esig.dss.model.InMemoryDocument;
import eu.europa.esig.dss.model.SignatureValue;
import eu.europa.esig.dss.model.x509.CertificateToken;
import eu.europa.esig.dss.pades.PAdESSignatureParameters;
import eu.europa.esig.dss.pades.signature.PAdESService;
import eu.europa.esig.dss.signature.AbstractSignatureParameters;
import eu.europa.esig.dss.signature.AbstractSignatureService;
import eu.europa.esig.dss.simplereport.SimpleReport;
import eu.europa.esig.dss.spi.DSSUtils;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.spi.x509.revocation.crl.ExternalResourcesCRLSource;
import eu.europa.esig.dss.spi.x509.tsp.KeyEntityTSPSource;
import eu.europa.esig.dss.validation.SignedDocumentValidator;
import eu.europa.esig.dss.xades.XAdESSignatureParameters;
import eu.europa.esig.dss.xades.signature.XAdESService;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;

/**
 * The European Commission's DSS over a folder: it signs documents there, and says what it finds of signed files.
 *
 * <p>The folder has root*.der, crl*.der and moment (milliseconds since 1970). Signed is with seal.pk8, seal.der and
 * chain.der, and time-stamped with tsa.pk8 and tsa.der, over document.bin, document.xml and document.pdf. Judged are the
 * pairs of names that follow: a signed file, and the document beside it or "-"; for each, one line: name, indication,
 * sub-indication, format, best signature time, and what is wrong, by tabs.
 */
public class Dss {
    private static Path folder;
    private static Date moment;

    public static void main(String[] arguments) throws Exception {
        folder = Path.of(arguments[0]);
        moment = new Date(Long.parseLong(Files.readString(folder.resolve("moment")).trim()));
        sign();
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        for (int at = 1; at < arguments.length; at += 2) {
            out.println(arguments[at] + "\t" + judged(arguments[at], arguments[at + 1]));
        }
    }

    private static String judged(String name, String beside) {
        try {
            SignedDocumentValidator validator = SignedDocumentValidator.fromDocument(document(name));
            validator.setCertificateVerifier(verifier());
            validator.setValidationTime(moment);
            if (!beside.equals("-")) {
                validator.setDetachedContents(List.of(document(beside)));
            }
            SimpleReport report = validator.validateDocument().getSimpleReport();
            String id = report.getFirstSignatureId();
            if (id == null) {
                return "NO_SIGNATURE\tnull\t-\t-\t";
            }
            List<String> wrong = new ArrayList<>();
            for (Message each : report.getAdESValidationErrors(id)) {
                wrong.add(each.getKey() + " " + each.getValue());
            }
            Date best = report.getBestSignatureTime(id);
            return report.getIndication(id) + "\t" + report.getSubIndication(id) + "\t" + report.getSignatureFormat(id)
                    + "\t" + (best == null ? "-" : best.getTime()) + "\t" + String.join("; ", wrong);
        } catch (RuntimeException | java.io.IOException error) {
            return "REFUSED\tnull\t-\t-\t" + String.valueOf(error.getMessage()).replaceAll("\\s+", " ");
        }
    }

    private static void sign() throws Exception {
        List<CertificateToken> chain = List.of(certificate("seal.der"), certificate("chain.der"));
        for (SignatureLevel level : List.of(SignatureLevel.XAdES_BASELINE_B, SignatureLevel.XAdES_BASELINE_T)) {
            for (SignaturePackaging packaging : List.of(
                    SignaturePackaging.DETACHED, SignaturePackaging.ENVELOPED, SignaturePackaging.ENVELOPING)) {
                XAdESSignatureParameters parameters = new XAdESSignatureParameters();
                parameters.setSignaturePackaging(packaging);
                String of = packaging == SignaturePackaging.DETACHED ? "document.bin" : "document.xml";
                made(new XAdESService(verifier()), parameters, level, of, packaging.name().toLowerCase(), chain);
            }
        }
        for (SignatureLevel level : List.of(SignatureLevel.CAdES_BASELINE_B, SignatureLevel.CAdES_BASELINE_T)) {
            for (SignaturePackaging packaging : List.of(SignaturePackaging.DETACHED, SignaturePackaging.ENVELOPING)) {
                CAdESSignatureParameters parameters = new CAdESSignatureParameters();
                parameters.setSignaturePackaging(packaging);
                made(new CAdESService(verifier()), parameters, level, "document.bin", packaging.name().toLowerCase(), chain);
            }
        }
        for (SignatureLevel level : List.of(
                SignatureLevel.PAdES_BASELINE_B,
                SignatureLevel.PAdES_BASELINE_T,
                SignatureLevel.PAdES_BASELINE_LT,
                SignatureLevel.PAdES_BASELINE_LTA)) {
            made(new PAdESService(verifier()), new PAdESSignatureParameters(), level, "document.pdf", "enveloped", chain);
        }
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static void made(
            AbstractSignatureService service,
            AbstractSignatureParameters<?> parameters,
            SignatureLevel level,
            String of,
            String packaging,
            List<CertificateToken> chain)
            throws Exception {
        KeyEntityTSPSource stamper = new KeyEntityTSPSource(
                key("tsa.pk8"), certificate("tsa.der").getCertificate(), List.of(certificate("tsa.der").getCertificate()));
        stamper.setTsaPolicy("2.25.148763023817498123470982374098127340981.3");
        stamper.setProductionTime(moment);
        service.setTspSource(stamper);
        parameters.setSignatureLevel(level);
        parameters.setDigestAlgorithm(DigestAlgorithm.SHA256);
        parameters.setSigningCertificate(chain.get(0));
        parameters.setCertificateChain(chain);
        parameters.bLevel().setSigningDate(moment);
        parameters.setCheckCertificateRevocation(false);
        DSSDocument document = document(of);
        Signature signature = Signature.getInstance("SHA256withECDSA");
        signature.initSign(key("seal.pk8"));
        signature.update(service.getDataToSign(document, parameters).getBytes());
        DSSDocument signed = service.signDocument(
                document, parameters, new SignatureValue(SignatureAlgorithm.ECDSA_SHA256, signature.sign()));
        String name = level.name().replace("AdES_BASELINE_", "ades-").toLowerCase() + "-" + packaging;
        Files.write(folder.resolve(name), DSSUtils.toByteArray(signed));
    }

    /** Trusts the roots, knows the revocation lists, and fetches nothing; what it would warn of stands in the report. */
    private static CommonCertificateVerifier verifier() throws java.io.IOException {
        CommonTrustedCertificateSource roots = new CommonTrustedCertificateSource();
        for (Path each : files("root*.der")) {
            roots.addCertificate(DSSUtils.loadCertificate(each.toFile()));
        }
        List<InputStream> lists = new ArrayList<>();
        for (Path each : files("crl*.der")) {
            lists.add(new ByteArrayInputStream(Files.readAllBytes(each)));
        }
        CommonCertificateVerifier verifier = new CommonCertificateVerifier(true);
        verifier.setTrustedCertSources(roots);
        verifier.setCrlSource(new ExternalResourcesCRLSource(lists.toArray(new InputStream[0])));
        verifier.setAIASource(null);
        verifier.setAlertOnMissingRevocationData(new SilentOnStatusAlert());
        verifier.setAlertOnUncoveredPOE(new SilentOnStatusAlert());
        verifier.setAlertOnNoRevocationAfterBestSignatureTime(new SilentOnStatusAlert());
        verifier.setAlertOnExpiredCertificate(new SilentOnStatusAlert());
        verifier.setAlertOnNotYetValidCertificate(new SilentOnStatusAlert());
        verifier.setAlertOnRevokedCertificate(new SilentOnStatusAlert());
        verifier.setAlertOnInvalidTimestamp(new SilentOnStatusAlert());
        return verifier;
    }

    private static List<Path> files(String pattern) throws java.io.IOException {
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(folder, pattern)) {
            all.forEach(found::add);
        }
        return found;
    }

    private static DSSDocument document(String name) throws java.io.IOException {
        return new InMemoryDocument(Files.readAllBytes(folder.resolve(name)), name);
    }

    private static CertificateToken certificate(String name) throws java.io.IOException {
        return DSSUtils.loadCertificate(Files.readAllBytes(folder.resolve(name)));
    }

    private static PrivateKey key(String name) throws Exception {
        return KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(Files.readAllBytes(folder.resolve(name))));
    }
}
