import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialDeletion;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Does with a broker of its own what every broker meets first, and ends. */
public final class Train {
    private static final String TOPIC = "train";
    private static final int MESSAGES = 100;

    public static void main(String[] arguments) throws Exception {
        Thread broker = new Thread(() -> {
            try {
                Launch.main(arguments);
            } catch (Throwable failure) {
                failure.printStackTrace();
                Runtime.getRuntime().halt(70);
            }
        });
        broker.setDaemon(true);
        broker.start();
        try (Admin admin = Admin.create(settings())) {
            admin.describeCluster().nodes().get();
            AclBinding acl = grant(admin);
            admin.createTopics(Set.of(new NewTopic(TOPIC, 1, (short) 1))).all().get();
            produce();
            consume();
            admin.deleteTopics(Set.of(TOPIC)).all().get();
            admin.deleteAcls(List.of(acl.toFilter())).all().get();
            admin.alterUserScramCredentials(List.of(
                new UserScramCredentialDeletion("app", ScramMechanism.SCRAM_SHA_512))).all().get();
        }
        System.exit(0);
    }

    private static Map<String, Object> settings() {
        Map<String, Object> settings = new HashMap<>();
        settings.put("bootstrap.servers", "127.0.0.1:9092");
        settings.put("security.protocol", "SASL_PLAINTEXT");
        settings.put("sasl.mechanism", "SCRAM-SHA-512");
        settings.put("sasl.jaas.config",
            "org.apache.kafka.common.security.scram.ScramLoginModule required"
                + " username=\"admin\" password=\"train\";");
        settings.put("reconnect.backoff.ms", "50");
        settings.put("key.serializer", ByteArraySerializer.class);
        settings.put("value.serializer", ByteArraySerializer.class);
        settings.put("key.deserializer", ByteArrayDeserializer.class);
        settings.put("value.deserializer", ByteArrayDeserializer.class);
        settings.put("group.id", "train");
        settings.put("auto.offset.reset", "earliest");
        return settings;
    }

    private static AclBinding grant(Admin admin) throws Exception {
        ScramCredentialInfo scram = new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096);
        admin.alterUserScramCredentials(List.of(
            new UserScramCredentialUpsertion("app", scram, "app"))).all().get();
        AclBinding acl = new AclBinding(
            new ResourcePattern(ResourceType.TOPIC, "app.", PatternType.PREFIXED),
            new AccessControlEntry("User:app", "*", AclOperation.ALL, AclPermissionType.ALLOW));
        admin.createAcls(List.of(acl)).all().get();
        return acl;
    }

    private static void produce() throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings())) {
            for (int sent = 0; sent < MESSAGES; sent++) {
                producer.send(new ProducerRecord<>(TOPIC, new byte[100])).get();
            }
        }
    }

    private static void consume() {
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings())) {
            consumer.subscribe(Set.of(TOPIC));
            int received = 0;
            for (int turn = 0; turn < 200 && received < MESSAGES; turn++) {
                received += consumer.poll(Duration.ofMillis(100)).count();
            }
            consumer.commitSync();
        }
    }
}
